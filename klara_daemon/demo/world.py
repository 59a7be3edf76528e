"""What the demo's daemon finds at its wires' ends: a real Postgres, a small Recruitee, a small telephone network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet

from klara_daemon.config import Config
from klara_daemon.demo import people
from klara_daemon.demo.clock import DemoClock
from klara_daemon.demo.embedded_postgres import embedded_postgres
from klara_daemon.demo.people import Person
from klara_daemon.demo.private_server import free_port
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.domain.settings import parse
from klara_daemon.store import companies, settings
from klara_daemon.store.database import Database
from klara_daemon.store.migrations import migrate
from klara_daemon.vault import Vault

BERLIN = ZoneInfo("Europe/Berlin")
COMPANY = 89564
OFFER = 1181300
APPLIED, CALL, INTERVIEW, HIRED = 8063175, 8063176, 8063177, 8063179
CALLER = "+4952112345670"
PACE = 0.03

SETTINGS = {
    "company": {
        "recruitee_company_id": COMPANY,
        "name": "Pflege am Teuto",
        "time_zone": BERLIN.key,
        "country": "DE",
        "subdivision": "NW",
        "language": "de",
        "caller_number": CALLER,
    },
    "calling": {
        "max_attempts": 3,
        "attempts_per_day": 2,
        "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"],
        "windows": [{"from": "09:00", "to": "12:00"}, {"from": "14:00", "to": "18:00"}],
        "pause_minutes": 180,
        "first_call_delay_minutes": 3,
    },
    "question_sets": {
        "care": {
            "language": "de",
            "questions": [
                {
                    "key": "experience",
                    "text": "Wie viele Jahre haben Sie in der Pflege gearbeitet?",
                    "kind": "number",
                },
                {"key": "start", "text": "Ab wann können Sie anfangen?", "kind": "text"},
            ],
        }
    },
    "watched_stages": [
        {
            "offer_id": OFFER,
            "stage_id": CALL,
            "mode": "interview",
            "target": "next",
            "move_when": "completed",
            "question_set": "care",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class World:
    """Everything but the daemon itself. `candidates` are the demo's people by their ids in Recruitee."""

    config: Config
    clock: DemoClock
    database: Database
    recruitee: SmallRecruitee
    telephone: TelephoneNetwork
    candidates: dict[int, Person]

    def name_of_stage(self, stage_id: int) -> str:
        """What the recruiter calls it."""
        return self.recruitee.companies[COMPANY].offers[OFFER].stage(stage_id).name

    async def move_everybody(self) -> None:
        """The recruiter drags one card after the other into the stage in which Klara calls."""
        for candidate_id in self.candidates:
            await self.recruitee.move(COMPANY, candidate_id, OFFER, CALL)


@asynccontextmanager
async def world(say: Callable[[str], None]) -> AsyncIterator[World]:
    """Build it, saying how far it is, and take it down again; nothing is left behind. Raises `ServerFailed`."""
    clock = DemoClock()
    sid, auth_token = f"AC{token_hex(16)}", token_hex(16)
    async with AsyncExitStack() as stack:
        say("Starting a Postgres of the demo's own ...")
        began = monotonic()
        postgres = await asyncio.to_thread(stack.enter_context, embedded_postgres())
        say(f"  ready after {monotonic() - began:.1f} s. Making the tables ...")
        await asyncio.to_thread(migrate, postgres.url())
        recruitee = await stack.enter_async_context(_recruitee(clock))
        telephone = await stack.enter_async_context(_telephone(clock, sid, auth_token))
        say("Starting Klara. While she works, look at these pages in a browser:")
        say(f"  Recruitee, with its pipeline and its notes:  {recruitee.url}/")
        say(f"  the telephone network, with its calls:       {telephone.url}/")
        config = _config(postgres.url(), recruitee.url, telephone.url, sid, auth_token)
        database = await Database.open(config.database_url, clock.now)
        stack.push_async_callback(database.close)
        await _set_up(config, database, recruitee)
        yield World(config, clock, database, recruitee, telephone, _candidates(recruitee, telephone))


def _config(database_url: str, recruitee_url: str, telephone_url: str, sid: str, auth_token: str) -> Config:
    port = free_port()
    return Config.from_env(
        {
            "KLARA_DATABASE_URL": database_url,
            "KLARA_AMQP_URL": "memory:",
            "KLARA_LISTEN": f"127.0.0.1:{port}",
            "KLARA_HEALTH_LISTEN": "",
            "KLARA_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "KLARA_SECRET_KEYS": Fernet.generate_key().decode(),
            "KLARA_RECRUITEE_API_URL": recruitee_url,
            "KLARA_TWILIO_API_URL": telephone_url,
            "KLARA_TWILIO_ACCOUNT_SID": sid,
            "KLARA_TWILIO_AUTH_TOKEN": auth_token,
            "KLARA_POLL_EVERY_S": "5",
            "KLARA_CALLS_AT_ONCE": "3",
            "KLARA_CALLS_PER_SECOND": "20",
            "KLARA_DRAIN_S": "5",
        }
    )


@asynccontextmanager
async def _recruitee(clock: DemoClock) -> AsyncIterator[SmallRecruitee]:
    recruitee = SmallRecruitee(clock.now, BERLIN)
    recruitee.add_company(COMPANY, "Pflege am Teuto", token_hex(20))
    recruitee.add_offer(
        COMPANY,
        OFFER,
        "Pflegefachkraft (m/w/d)",
        [
            (APPLIED, "Beworben", "apply"),
            (CALL, "Telefoninterview", "phone_screen"),
            (INTERVIEW, "Gespräch vor Ort", "interview"),
            (HIRED, "Eingestellt", "hire"),
        ],
    )
    await recruitee.start()
    try:
        yield recruitee
    finally:
        await recruitee.stop()


def _telephone(clock: DemoClock, sid: str, auth_token: str) -> TelephoneNetwork:
    return TelephoneNetwork(account_sid=sid, auth_token=auth_token, now=clock.now, pace=PACE)


async def _set_up(config: Config, database: Database, recruitee: SmallRecruitee) -> None:
    """What an operator does once: settings, token, webhook secret."""
    secret = token_hex(20)
    vault = Vault(config.secret_keys)
    recruitee.set_webhook(COMPANY, f"{config.public_url}/webhooks/recruitee/{COMPANY}", secret)
    async with database.transaction() as tx:
        await settings.apply(tx.conn, parse(json.dumps(SETTINGS)), "demo")
        await companies.store_token(tx.conn, vault, COMPANY, recruitee.companies[COMPANY].token)
        await companies.store_webhook_secret(tx.conn, vault, COMPANY, secret)


def _candidates(recruitee: SmallRecruitee, telephone: TelephoneNetwork) -> dict[int, Person]:
    for person in people.PEOPLE:
        telephone.person(person.number, *person.takes_calls, name=person.name)
    return {
        recruitee.add_candidate(COMPANY, person.name, [person.phone], OFFER, APPLIED): person
        for person in people.PEOPLE
    }
