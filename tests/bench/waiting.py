"""What a claimed call and a re-planned outreach cost while 10,000 and while 1,000,000 wait; prints the ratio.

Everything is the daemon's own, from handing out to the committed claim, but that nobody is asked outside. One of fifty
companies then changes its calling windows, and its people are planned anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import aiohttp
import asyncpg

from klara_daemon.actors.call_scheduler import CallScheduler
from klara_daemon.actors.dialer import Claimed, Dialer, Done, Reading
from klara_daemon.actors.elapsed import clocks
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.demo.embedded_postgres import EmbeddedPostgres, embedded_postgres
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.settings import parse
from klara_daemon.messages import PlaceCall, decode
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Candidate, Offer, Placement
from klara_daemon.store import calls, dials, outbox, outreaches, settings
from klara_daemon.store.database import Database
from klara_daemon.store.migrations import migrate
from klara_daemon.telephony.twilio.client import TwilioClient
from tests.actors.scene import ACCOUNT, AUTH_TOKEN, CALL, CALLING_PART, COMPANY_PART, MONDAY, OFFER, SETTINGS, VAULT

FEW, MANY = 10_000, int(os.environ.get("KLARA_BENCH_WAITING", "1000000"))
COMPANIES = 50
CALLS, ROUNDS = 200, 5
AIM = 1.5
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_wal_size": "4GB"}


@dataclass
class Waiting:
    """A database in which so many wait, and what was measured in it: seconds for each call, for each plan."""

    number: int
    url: str
    database: Database
    scheduler: CallScheduler
    dialer: Dialer
    calls_s: list[float] = field(default_factory=list)
    plans_s: list[float] = field(default_factory=list)

    async def fill(self) -> None:
        """Everybody waits by a plan that stands: every fifth is due now, the others in the days to come."""
        for company_id in range(1, COMPANIES + 1):
            await self._configure(company_id, CALLING_PART["windows"])
        async with self.database.connection() as conn:
            basis = await settings.plan_basis(conn, await settings.company(conn, 1), 1)
        conn = await asyncpg.connect(self.url)  # takes its time
        await conn.execute("SET session_replication_role = replica")
        await conn.execute(
            "INSERT INTO candidates SELECT 1 + n % $2, n, 'N', ARRAY['0151 2' || lpad(n::text, 7, '0')]"
            " FROM generate_series(1, $1::int) n",
            self.number,
            COMPANIES,
        )
        await conn.execute(
            "INSERT INTO stays SELECT gen_random_uuid(), company_id, candidate_id, candidate_id, $1, $2, $3, false"
            " FROM candidates",
            OFFER,
            CALL,
            MONDAY,
        )
        await conn.execute(
            "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode,"
            " state, opened_at, planned_with, due_at) SELECT gen_random_uuid(), id, company_id, candidate_id,"
            " placement_id, offer_id, stage_id, 'interview', 'waiting', entered_at, $2, entered_at + make_interval(mins"
            "   => CASE WHEN candidate_id / $1 % 5 = 0 THEN 0 ELSE (candidate_id % 10000)::int + 600 END) FROM stays",
            COMPANIES,
            basis,
        )
        await conn.execute("VACUUM ANALYZE")
        await conn.close()

    async def claim_calls(self) -> None:
        """Hand out what is due and claim calls in turn; each ends at once, unmeasured."""
        handing_s = await self._hand_out()
        claiming_s = 0.0
        for _ in range(CALLS):
            began = time.perf_counter()
            attempt_id = await self._claim_one()
            claiming_s += time.perf_counter() - began
            async with self.database.transaction() as tx:
                await calls.end(tx.conn, attempt_id, Disposition.NO_ANSWER, tx.now)
                await tx.conn.execute("UPDATE trunks SET next_call_at = now()")
        self.calls_s.append(handing_s + claiming_s / CALLS)

    async def _hand_out(self) -> float:
        """Seconds for each call that is handed out and told to the dialer."""
        began = time.perf_counter()
        await self.scheduler.hand_out_due()
        async with self.database.transaction() as tx:
            rows = await outbox.take(tx.conn, 100_000)
            await self.dialer.on_place_call(tx, [decode(PlaceCall, row.body) for row in rows])
            await outbox.remove(tx.conn, [row.seq for row in rows])
        return (time.perf_counter() - began) / max(1, len(rows))

    async def _claim_one(self) -> UUID:
        """The next call that may start; whoever was planned anew meanwhile is passed over, as they would be."""
        while (attempt_id := await self._try_one()) is None:
            pass
        return attempt_id

    async def _try_one(self) -> UUID | None:
        async with self.database.transaction() as tx:
            wanted = await dials.claim(tx.conn, 60)
        assert wanted is not None
        async with self.database.connection() as conn:
            outreach = await outreaches.get(conn, wanted.outreach_id)
        assert outreach is not None
        result = await self.dialer._claim(outreach, _read(outreach))
        assert isinstance(result, Claimed | Done), result
        return result.attempt_id if isinstance(result, Claimed) else None

    async def plan_anew(self, nth: int) -> None:
        """One company saves other windows; its people are planned anew."""
        async with self.database.connection() as conn:
            number = await conn.fetchval(
                "SELECT count(*) FROM outreaches WHERE company_id = 1 AND state = 'waiting'",
            )
        await self._configure(1, [{"from": "10:00", "to": f"1{2 + nth}:00"}])
        began = time.perf_counter()
        await self.scheduler.follow_settings()
        self.plans_s.append((time.perf_counter() - began) / number)

    async def _configure(self, company_id: int, windows: object) -> None:
        document = {
            **SETTINGS,
            "company": {**COMPANY_PART, "recruitee_company_id": company_id},
            "calling": {**CALLING_PART, "windows": windows},
        }
        async with self.database.transaction() as tx:
            await settings.apply(tx.conn, parse(json.dumps(document)), "bench")


def _read(outreach: outreaches.Outreach) -> Reading:
    """What Recruitee would say: nothing has changed."""
    placement = Placement(
        outreach.placement_id, outreach.candidate_id, outreach.offer_id, outreach.stage_id, False, False
    )
    phone = f"0151 2{outreach.candidate_id:07}"
    candidate = Candidate(outreach.candidate_id, "N", (phone,), (placement,))
    return Reading(candidate, Offer(outreach.offer_id, "Job", "published", None, ()), clocks())


@asynccontextmanager
async def waiting(postgres: EmbeddedPostgres, number: int) -> AsyncIterator[Waiting]:
    """A database in which so many wait."""
    name = f"waiting_{number}"
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    await asyncio.to_thread(migrate, postgres.url(name))
    database = await Database.open(postgres.url(name), lambda: MONDAY + timedelta(minutes=30))
    try:
        async with aiohttp.ClientSession() as session:
            yield Waiting(number, postgres.url(name), database, CallScheduler(database), _dialer(database, session))
    finally:
        await database.close()


def _dialer(database: Database, session: aiohttp.ClientSession) -> Dialer:
    nowhere = "http://127.0.0.1:1"
    provider = TwilioClient(
        session, account_sid=ACCOUNT, auth_token=AUTH_TOKEN, base_url=nowhere, public_url="https://klara.example"
    )
    recruitee, door = RecruiteeClient(session, nowhere), RecruiteeDoor(database, VAULT)
    return Dialer(database, recruitee, door, provider, calls_at_once=10_000, calls_per_second=1000)


async def _measure(postgres: EmbeddedPostgres) -> None:
    async with waiting(postgres, FEW) as few, waiting(postgres, MANY) as many:
        for one in (few, many):
            print(f"filling a database with {one.number:,} waiting ...", flush=True)
            await one.fill()
        for nth in range(ROUNDS):
            for one in (few, many):
                await one.claim_calls()
                await one.plan_anew(nth)
                told = f"{one.calls_s[-1] * 1000:6.2f} ms a claimed call   {one.plans_s[-1] * 1e6:6.0f} us a plan"
                print(f"round {nth + 1}  {one.number:>9,} waiting  {told}", flush=True)
        _print_ratio("a claimed call", few.calls_s, many.calls_s)
        _print_ratio("a plan made anew", few.plans_s, many.plans_s)


def _print_ratio(what: str, few: list[float], many: list[float]) -> None:
    ratio = statistics.median(m / f for f, m in zip(few, many, strict=True))
    print(f"median of the rounds: {what} costs {ratio:.2f} times as much while {MANY:,} wait (aim {AIM} at most)")


def measure() -> None:
    """Fill two databases, measure in turns, print the ratios."""
    with embedded_postgres(settings=SAFE) as postgres:
        print(f"Postgres {postgres.version} with fsync; {CALLS} calls claimed a round, {COMPANIES} companies\n")
        asyncio.run(_measure(postgres))


if __name__ == "__main__":
    measure()
