"""`klara-daemon check`: looks at the whole installation and says what to mend."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

import aiohttp
import click

from klara_daemon.app import broker_for, http_session
from klara_daemon.broker.carriage import BrokerLost
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.commands.checking_companies import Finding, of_companies
from klara_daemon.commands.ending import run
from klara_daemon.commands.instants import instant
from klara_daemon.config import Config
from klara_daemon.domain.dialogue.speakable import one_line
from klara_daemon.store import callers, health, outbox, pauses, trunks
from klara_daemon.store.database import Connection
from klara_daemon.store.migrations import pending
from klara_daemon.store.pauses import CallingPause
from klara_daemon.store.session import DatabaseFailed, session
from klara_daemon.telephony.provider import Uncertain
from klara_daemon.telephony.twilio.addresses import SIGNATURE_HEADER, STATUS_PATH, Params, address, signature
from klara_daemon.telephony.twilio.client import TwilioClient
from klara_daemon.telephony.twilio.protocol import PERMISSION_CODES

CLOCKS_MAY_DIFFER_S = 5.0
BACKLOG_MAY_BE_S = 60.0
WRITEBACK_MAY_TRY = 5
ANSWER_WITHIN_S = 10.0
BROKER_WITHIN_S = 5.0
NOBODYS_CALL = (("CallSid", f"CA{'0' * 32}"), ("CallStatus", "completed"))


@click.command()
def check() -> None:
    """Look at the whole installation and say what to mend.

    The exit status is 1 if anything is.
    """
    sys.exit(run(_check()))


async def _check() -> int:
    config = Config.from_env().check_roles(())
    faults = 0
    async for finding in _findings(config):
        faults += finding.fault is not None
        said = f": {finding.fault}" if finding.fault else ""
        click.echo(f"{'MEND' if finding.fault else 'good'}  {finding.area}{said}")
    click.echo(f"{faults} to mend." if faults else "All is well.")
    return 1 if faults else 0


async def _findings(config: Config) -> AsyncIterator[Finding]:
    yield Finding("broker", await _broker(config))
    async with http_session() as http:
        yield Finding("public address", await _public_address(config, http))
        try:
            async with session(config.database_url) as conn:
                async for finding in _in_database(conn, config, http):
                    yield finding
        except DatabaseFailed as error:
            yield Finding("database", f"{error.happened} {error.remedy}".rstrip())


async def _in_database(conn: Connection, config: Config, http: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    missing = await pending(conn)
    yield Finding("migrations", f"missing: {', '.join(missing)}; run `klara-daemon migrate`" if missing else None)
    yield Finding("clocks", _clocks(await health.clock_offset_s(conn)))
    if missing:
        return
    yield Finding("telephone", await _telephone(config, http, await health.caller_numbers(conn)))
    async for finding in _work(conn):
        yield finding
    async for finding in of_companies(conn, config, http):
        yield finding


async def _broker(config: Config) -> str | None:
    broker = broker_for(config.amqp_url)
    try:
        if isinstance(broker, RabbitMQ):
            async with asyncio.timeout(BROKER_WITHIN_S):
                await broker.depths()
    except (BrokerLost, TimeoutError) as error:
        return f"{str(error) or 'no answer'}; is RabbitMQ running, and KLARA_AMQP_URL right?"
    finally:
        await broker.close()
    return None


async def _public_address(config: Config, http: aiohttp.ClientSession) -> str | None:
    """Whether our web role answers there: it refuses what is not signed, and takes what is."""
    url = address(config.public_url, STATUS_PATH)
    signed = {SIGNATURE_HEADER: signature(config.twilio_auth_token, url, NOBODYS_CALL)}
    try:
        unsigned_status = await _post(http, url, NOBODYS_CALL, {})
        status = await _post(http, url, NOBODYS_CALL, signed)
    except (aiohttp.ClientError, OSError) as error:
        return f"{url} cannot be reached ({type(error).__name__}), so neither can the phone company reach it"
    if unsigned_status != 403:
        return f"{url} answers {unsigned_status}, not as Klara's web role does; is KLARA_PUBLIC_URL right?"
    if status != 200:
        return (
            f"{url} refuses what KLARA_TWILIO_AUTH_TOKEN has signed ({status}): the web role there has another token"
            " or another KLARA_PUBLIC_URL, or the proxy in front of it changes the path"
        )
    return None


async def _post(http: aiohttp.ClientSession, url: str, form: Params, headers: dict[str, str]) -> int:
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    body = aiohttp.FormData(form)
    async with http.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as answer:
        return answer.status


def _clocks(offset_s: float) -> str | None:
    if abs(offset_s) <= CLOCKS_MAY_DIFFER_S:
        return None
    return (
        f"this machine's clock is {offset_s:+.1f} s from the database's; past {CLOCKS_MAY_DIFFER_S:.0f} s nobody is"
        " called: mend time synchronisation"
    )


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


async def _refused(conn: Connection) -> AsyncIterator[Finding]:
    """What the phone company refuses because of how its account, or a company, is set up."""
    for refused in await callers.of_companies(conn):
        says = (
            f"the phone company refuses it, and nobody is called ({refused.because}): name another in the company's"
            " settings, or have it verified; it is tried again every five minutes"
        )
        yield Finding(f"company {refused.company_id}, caller number {refused.caller}", says)
    for company_id, code, number in await health.refused(conn, PERMISSION_CODES):
        says = (
            f"{number} were refused by Twilio with {code}: this account may not call their numbers; permit their"
            f" countries, or upgrade from a trial (https://www.twilio.com/docs/errors/{code}); tried again every hour"
        )
        yield Finding(f"company {company_id}, calls that are not permitted", says)


async def _work(conn: Connection) -> AsyncIterator[Finding]:
    """What waits that should not, or that a person must look at."""
    waiting, age_s = await outbox.backlog(conn)
    late = age_s > BACKLOG_MAY_BE_S
    says = f"{waiting} messages wait, the oldest for {age_s:.0f} s; is the daemon running?"
    yield Finding("outbox", says if late else None)
    parked = await outbox.parked(conn)
    yield Finding("parked messages", f"{len(parked)}; see `klara-daemon parked list`" if parked else None)
    for pause in await pauses.pauses(conn):
        yield _paused(pause)
    for provider, because in await trunks.paused(conn):
        yield Finding(f"trunk {provider}", f"paused, nobody is called: {because}")
    async for finding in _refused(conn):
        yield finding
    for held in await health.held(conn):
        says = f"{held.number} wait for a person to look: {held.says}"
        yield Finding(f"company {held.company_id}, held outreaches", says)
    for company_id, fault in await health.overdue_writebacks(conn, WRITEBACK_MAY_TRY):
        says = f"not done after {WRITEBACK_MAY_TRY} tries or more: {fault or 'each was broken off'}"
        yield Finding(f"company {company_id}, writing to Recruitee", says)


def _paused(pause: CallingPause) -> Finding:
    is_every = pause.company_id == pauses.EVERY_COMPANY
    resume = "klara-daemon calling resume" + ("" if is_every else f" --company {pause.company_id}")
    area = "every company" if is_every else f"company {pause.company_id}"
    says = f"calling is paused since {instant(pause.paused_at)} by {one_line(pause.who)}: {one_line(pause.why)}"
    return Finding(area, f"{says}; `{resume}`")
