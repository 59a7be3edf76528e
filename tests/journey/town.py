"""What a journey's daemon finds around it: a company in a small Recruitee, people at their telephones, a clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from secrets import token_hex
from typing import Final
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet

from klara_daemon.demo.private_server import free_port
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.domain.settings import parse
from klara_daemon.store import companies, settings
from klara_daemon.store.database import Database
from klara_daemon.vault import Vault
from tests.journey.business_clock import BusinessClock
from tests.journey.candidates import ERIKA, PEOPLE, Person, noting

BERLIN: Final = ZoneInfo("Europe/Berlin")
MONDAY_MORNING: Final = datetime(2026, 9, 7, 9, 0, tzinfo=BERLIN)
COMPANY: Final = 89564
OFFER: Final = 1181300
APPLIED, CALL, INTERVIEW, HIRED = 8063175, 8063176, 8063177, 8063179
MAX_ATTEMPTS: Final = 4
ATTEMPTS_PER_DAY: Final = 2
PAUSE_MINUTES: Final = 180
FIRST_CALL_DELAY_MINUTES: Final = 3
WINDOWS: Final = ((time(9), time(12)), (time(14), time(18)))
PACE: Final = 0.01

SETTINGS: Final = {
    "company": {
        "recruitee_company_id": COMPANY,
        "name": "Pflege am Teuto",
        "time_zone": BERLIN.key,
        "country": "DE",
        "subdivision": "NW",
        "language": "de",
        "caller_number": "+4952112345670",
    },
    "calling": {
        "max_attempts": MAX_ATTEMPTS,
        "attempts_per_day": ATTEMPTS_PER_DAY,
        "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"],
        "windows": [{"from": f"{opens:%H:%M}", "to": f"{closes:%H:%M}"} for opens, closes in WINDOWS],
        "pause_minutes": PAUSE_MINUTES,
        "first_call_delay_minutes": FIRST_CALL_DELAY_MINUTES,
    },
    "question_sets": {
        "care": {
            "language": "de",
            "questions": [
                {"key": "experience", "text": "Wie viele Jahre haben Sie in der Pflege gearbeitet?", "kind": "number"},
                {"key": "start", "text": "Ab wann können Sie anfangen?", "kind": "text"},
            ],
        }
    },
    "watched_stages": [
        {"offer_id": OFFER, "stage_id": CALL, "mode": "interview", "target": "next", "question_set": "care"}
    ],
}


@dataclass(frozen=True, slots=True)
class Town:
    """Everything but the daemon. `people` are known by their ids in Recruitee; `environment` is the daemon's.

    `erika_is_asked` is set while she, who answers everything, has not yet answered the first question.
    """

    clock: BusinessClock
    clock_file: Path
    recruitee: SmallRecruitee
    telephone: TelephoneNetwork
    people: Mapping[int, Person]
    erika_is_asked: asyncio.Event
    environment: Mapping[str, str]
    public_port: int

    async def set_up(self) -> None:
        """What an operator does once: settings, token, webhook secret."""
        secret = token_hex(20)
        vault = Vault((self.environment["KLARA_SECRET_KEYS"],))
        webhook_url = f"{self.environment['KLARA_PUBLIC_URL']}/webhooks/recruitee/{COMPANY}"
        self.recruitee.set_webhook(COMPANY, webhook_url, secret)
        database = await Database.open(self.environment["KLARA_DATABASE_URL"], self.clock.now)
        try:
            async with database.transaction() as tx:
                await settings.apply(tx.conn, parse(json.dumps(SETTINGS)), "journey")
                await companies.store_token(tx.conn, vault, COMPANY, self.recruitee.companies[COMPANY].token)
                await companies.store_webhook_secret(tx.conn, vault, COMPANY, secret)
        finally:
            await database.close()

    async def move_everybody(self) -> None:
        """Recruiters drag all the cards into the stage in which Klara calls."""
        await asyncio.gather(*(self.recruitee.move(COMPANY, candidate_id, OFFER, CALL) for candidate_id in self.people))


@asynccontextmanager
async def town(database_url: str, amqp_url: str, folder: Path) -> AsyncIterator[Town]:
    """Build it on Monday morning, and take it down again."""
    clock_file = folder / "clock"
    clock = BusinessClock(clock_file)
    clock.set_to(MONDAY_MORNING)
    sid, auth_token, port = f"AC{token_hex(16)}", token_hex(16), free_port()
    # The phone company lives by real time: a call whose answer was lost is found by when it was placed.
    async with (
        _recruitee(clock) as recruitee,
        TelephoneNetwork(account_sid=sid, auth_token=auth_token, pace=PACE) as telephone,
    ):
        environment = {
            "KLARA_DATABASE_URL": database_url,
            "KLARA_AMQP_URL": amqp_url,
            "KLARA_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "KLARA_SECRET_KEYS": Fernet.generate_key().decode(),
            "KLARA_RECRUITEE_API_URL": recruitee.url,
            "KLARA_TWILIO_API_URL": telephone.url,
            "KLARA_TWILIO_ACCOUNT_SID": sid,
            "KLARA_TWILIO_AUTH_TOKEN": auth_token,
            "KLARA_POLL_EVERY_S": "2",
            "KLARA_CALLS_AT_ONCE": "6",
            "KLARA_CALLS_PER_SECOND": "20",
            "KLARA_DRAIN_S": "8",
        }
        erika_is_asked = asyncio.Event()
        people = _people(recruitee, telephone)
        telephone.person(ERIKA.number, *(noting(erika_is_asked, call) for call in ERIKA.takes_calls), name=ERIKA.name)
        yield Town(clock, clock_file, recruitee, telephone, people, erika_is_asked, environment, port)


@asynccontextmanager
async def _recruitee(clock: BusinessClock) -> AsyncIterator[SmallRecruitee]:
    recruitee = SmallRecruitee(clock.now, BERLIN)
    recruitee.add_company(COMPANY, "Pflege am Teuto", token_hex(20))
    stages = [
        (APPLIED, "Beworben", "apply"),
        (CALL, "Telefoninterview", "phone_screen"),
        (INTERVIEW, "Gespräch vor Ort", "interview"),
        (HIRED, "Eingestellt", "hire"),
    ]
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft (m/w/d)", stages)
    await recruitee.start()
    try:
        yield recruitee
    finally:
        await recruitee.stop()


def _people(recruitee: SmallRecruitee, telephone: TelephoneNetwork) -> dict[int, Person]:
    for person in PEOPLE:
        telephone.person(person.number, *person.takes_calls, name=person.name)
    return {recruitee.add_candidate(COMPANY, person.name, [person.number], OFFER, APPLIED): person for person in PEOPLE}
