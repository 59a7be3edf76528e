"""`klara-daemon check`: looks at the whole installation and says what to mend."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence

import aiohttp
import click

from klara_daemon.app import broker_for
from klara_daemon.broker.carriage import BrokerLost
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.commands.ending import run
from klara_daemon.config import Config
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Access, RecruiteeError
from klara_daemon.store import companies, health, outbox, settings, trunks, watches
from klara_daemon.store.database import Connection
from klara_daemon.store.migrations import pending
from klara_daemon.store.session import session
from klara_daemon.telephony.provider import Uncertain
from klara_daemon.telephony.twilio.client import TwilioClient
from klara_daemon.vault import CannotOpen, Vault

CLOCKS_MAY_DIFFER_S = 5.0
BACKLOG_MAY_BE_S = 60.0
WRITEBACK_MAY_TRY = 5


@click.command()
def check() -> None:
    """Look at database, broker, clocks, companies, stages, telephone; exit 1 if anything must be mended."""
    sys.exit(run(_check()))


async def _check() -> int:
    config = Config.from_env().check_roles(())
    faults = 0
    async for area, fault in _findings(config):
        faults += fault is not None
        click.echo(f"{'MEND' if fault else 'good'}  {area}{f': {fault}' if fault else ''}")
    click.echo(f"{faults} to mend." if faults else "All is well.")
    return 1 if faults else 0


async def _findings(config: Config) -> AsyncIterator[tuple[str, str | None]]:
    """Each thing looked at, and what is wrong with it, if anything."""
    yield "broker", await _broker(config)
    async with aiohttp.ClientSession() as http:
        yield "public address", await _public_address(config, http)
        async with session(config.database_url) as conn:
            missing = await pending(conn)
            yield "migrations", f"missing: {', '.join(missing)}; run `klara-daemon migrate`" if missing else None
            if missing:
                return
            yield "telephone", await _telephone(config, http, await health.caller_numbers(conn))
            async for finding in _database(conn):
                yield finding
            async for finding in _companies(conn, config, http):
                yield finding


async def _broker(config: Config) -> str | None:
    broker = broker_for(config.amqp_url)
    try:
        if isinstance(broker, RabbitMQ):
            await broker.depths()
    except BrokerLost as error:
        return f"{error}; is RabbitMQ running, and KLARA_AMQP_URL right?"
    finally:
        await broker.close()
    return None


async def _telephone(config: Config, http: aiohttp.ClientSession, callers: Sequence[str]) -> str | None:
    provider = TwilioClient(
        http,
        account_sid=config.twilio_account_sid,
        auth_token=config.twilio_auth_token,
        base_url=config.twilio_api_url,
        public_url=config.public_url,
    )
    try:
        return " ".join(await provider.check(callers)) or None
    except Uncertain as error:
        return f"{error}; is KLARA_TWILIO_API_URL right?"


async def _public_address(config: Config, http: aiohttp.ClientSession) -> str | None:
    """The web role refuses what is not signed with 403: whoever answers otherwise is not our web role."""
    url = f"{config.public_url}/telephony/twilio/status"
    try:
        async with http.post(url, timeout=aiohttp.ClientTimeout(total=10), allow_redirects=False) as answer:
            return None if answer.status == 403 else f"{url} answers {answer.status}, not as Klara's web role does"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{config.public_url} cannot be reached ({type(error).__name__}); nor can the phone company reach it"


async def _database(conn: Connection) -> AsyncIterator[tuple[str, str | None]]:
    offset_s = await health.clock_offset_s(conn)
    apart = abs(offset_s) > CLOCKS_MAY_DIFFER_S
    yield "clocks", f"{offset_s:+.1f} s from the database's; past 5 s nobody is called; mend NTP" if apart else None
    waiting, age_s = await outbox.backlog(conn)
    late = age_s > BACKLOG_MAY_BE_S
    yield "outbox", f"{waiting} messages wait, the oldest for {age_s:.0f} s; is the daemon running?" if late else None
    parked = await outbox.parked(conn)
    yield "parked messages", f"{len(parked)}; see `klara-daemon parked list`" if parked else None
    for provider, because in await trunks.paused(conn):
        yield f"trunk {provider}", f"paused, nobody is called: {because}"
    for held in await health.held(conn):
        yield f"company {held.company_id}, held outreaches", f"{held.number}: {held.says}"
    for company_id, fault in await health.overdue_writebacks(conn, WRITEBACK_MAY_TRY):
        yield f"company {company_id}, writing to Recruitee", fault
    for company_id, offer_id, stage_id, fault in await watches.faults(conn):
        yield f"company {company_id}, stage {stage_id} of job {offer_id}", f"cannot be read: {fault}"


async def _companies(
    conn: Connection, config: Config, http: aiohttp.ClientSession
) -> AsyncIterator[tuple[str, str | None]]:
    lacking = set(await health.companies_without_settings(conn))
    vault = Vault(config.secret_keys)
    for company_id in await health.known_companies(conn):
        if company_id in lacking:
            yield f"company {company_id}, settings", "missing or incomplete: it calls nobody; `settings apply`"
        elif not await settings.watched_stages(conn, company_id):
            yield f"company {company_id}, settings", "no stage is watched: it calls nobody"
        yield f"company {company_id}, Recruitee", await _token(conn, vault, config, http, company_id)


async def _token(
    conn: Connection, vault: Vault, config: Config, http: aiohttp.ClientSession, company_id: int
) -> str | None:
    try:
        secrets = await companies.secrets(conn, vault, company_id)
    except CannotOpen as error:
        return str(error)
    if secrets.token is None:
        return "no token: it calls nobody; `klara-daemon company add`"
    try:
        await RecruiteeClient(http, config.recruitee_api_url).whoami(Access(company_id, secrets.token))
    except RecruiteeError as error:
        return f"{error}; if the token was revoked, store a new one with `klara-daemon company add`"
    return None if secrets.webhook_secret else "no webhook secret: webhooks only prompt polling; `company secret`"
