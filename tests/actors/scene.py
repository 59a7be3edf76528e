"""One company as its actors find it: a real database, a small Recruitee, a small telephone network, a clock to set.

Nothing runs by itself: a test moves a candidate, lets an actor do one thing, carries its messages to the next, and
looks at the rows. Business time stands still until `clock` is moved; real time goes by at once with `let_pass`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp

from klara_daemon.actors.ats_writeback import AtsWriteback
from klara_daemon.actors.call_listener import CallListener
from klara_daemon.actors.call_reconciler import CallReconciler
from klara_daemon.actors.call_scheduler import CallScheduler
from klara_daemon.actors.dialer import Dialer
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.actors.stage_watcher import StageWatcher
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.domain.settings import parse
from klara_daemon.messages import (
    CallProgressed,
    CancelCall,
    Message,
    OutreachEnded,
    PlaceCall,
    PlanOutreach,
    StayChanged,
    WebhookAccepted,
    decode,
)
from klara_daemon.recruitee.client import Limits, RecruiteeClient
from klara_daemon.store import (
    call_events,
    calls,
    companies,
    conversations,
    outbox,
    outreaches,
    settings,
    timeline,
    webhooks,
)
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Database, Transaction
from klara_daemon.store.outreaches import Outreach
from klara_daemon.telephony.twilio.client import TwilioClient
from klara_daemon.vault import Vault, new_key

BERLIN: Final = ZoneInfo("Europe/Berlin")
MONDAY: Final = datetime(2026, 9, 7, 9, 0, tzinfo=BERLIN)
COMPANY: Final = 89564
OFFER: Final = 1181300
APPLIED, CALL, INTERVIEW, HIRED = 8063175, 8063176, 8063177, 8063179
STAGES: Final = [
    (APPLIED, "Beworben", "apply"),
    (CALL, "Telefoninterview", "phone_screen"),
    (INTERVIEW, "Gespräch vor Ort", "interview"),
    (HIRED, "Eingestellt", "hire"),
]
CALLER: Final = "+4952112345670"
PHONE, NUMBER = "0151 23456701", "+4915123456701"
PHONE_2, NUMBER_2 = "0151 23456702", "+4915123456702"
PHONE_3, NUMBER_3 = "0151 23456703", "+4915123456703"
ACCOUNT, AUTH_TOKEN = "AC" + "0" * 32, "auth-token-of-the-scene"
PUBLIC_URL: Final = "https://klara.example"
FOR_EVER_S: Final = 1e9
PROMPT: Final = Limits(deadline_s=0.5, asks=1, first_wait_s=0.01, per_second=10_000, burst=10_000, at_once=100)
QUESTIONS: Final = [
    {"key": "experience", "text": "Wie viele Jahre haben Sie in der Pflege gearbeitet?", "kind": "number"},
    {"key": "start", "text": "Ab wann können Sie anfangen?", "kind": "text"},
]
COMPANY_PART: Final = {
    "recruitee_company_id": COMPANY,
    "name": "Pflege am Teuto",
    "time_zone": BERLIN.key,
    "country": "DE",
    "subdivision": "NW",
    "language": "de",
    "caller_number": CALLER,
}
CALLING_PART: Final = {
    "max_attempts": 4,
    "attempts_per_day": 2,
    "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"],
    "windows": [{"from": "09:00", "to": "12:00"}, {"from": "14:00", "to": "18:00"}],
    "pause_minutes": 180,
}
WATCHED: Final = {"offer_id": OFFER, "stage_id": CALL, "mode": "interview", "target": "next", "question_set": "care"}
SETTINGS: Final = {
    "company": COMPANY_PART,
    "calling": CALLING_PART,
    "question_sets": {"care": {"language": "de", "questions": QUESTIONS}},
    "watched_stages": [WATCHED],
}
TOKEN: Final = "token-of-the-company"
VAULT: Final = Vault([new_key()])


class Clock:
    """The business clock."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def __call__(self) -> datetime:
        return self.at

    def set(self, at: datetime) -> None:
        """It is this time now."""
        self.at = at.astimezone(UTC)

    def advance(self, **by: float) -> None:
        """Let business time go by."""
        self.at += timedelta(**by)


@dataclass
class Scene:
    """Everything there is. What a test does to it reads as what happens in the world."""

    clock: Clock
    database: Database
    recruitee: SmallRecruitee
    telephone: TelephoneNetwork
    vault: Vault
    session: aiohttp.ClientSession
    database_url: str
    patience: Patience = PATIENCE
    limits: Limits = PROMPT
    sent: list[Message] = field(default_factory=list)
    """What `deliver` has carried so far."""

    def __post_init__(self) -> None:
        self.client = RecruiteeClient(self.session, self.recruitee.url, self.limits)
        self.door = RecruiteeDoor(self.database, self.vault)
        self.provider = self.provider_at(self.telephone.url)
        self.watcher = StageWatcher(self.database, self.client, self.door, poll_every_s=180, patience=self.patience)
        self.scheduler = CallScheduler(self.database)
        self.dialer = self.another_dialer()
        self.listener = CallListener(self.patience)
        self.reconciler = CallReconciler(self.database, self.provider, self.patience)
        self.writeback = AtsWriteback(self.database, self.client, self.door, self.patience)

    def provider_at(self, url: str, timeout_s: float = 2) -> TwilioClient:
        """A way to a phone company."""
        return TwilioClient(
            self.session,
            account_sid=ACCOUNT,
            auth_token=AUTH_TOKEN,
            base_url=url,
            public_url=PUBLIC_URL,
            timeout_s=timeout_s,
        )

    @asynccontextmanager
    async def another_database(self) -> AsyncIterator[Database]:
        """The same database as another process has it."""
        database = await Database.open(self.database_url, self.clock)
        try:
            yield database
        finally:
            await database.close()

    def another_dialer(
        self,
        *,
        calls_at_once: int = 100,
        calls_per_second: float = 10_000,
        database: Database | None = None,
        provider: TwilioClient | None = None,
    ) -> Dialer:
        """One more hand that dials."""
        return Dialer(
            database or self.database,
            self.client,
            self.door,
            provider or self.provider,
            calls_at_once=calls_at_once,
            calls_per_second=calls_per_second,
            patience=self.patience,
        )

    # The people at both ends

    async def configure(
        self,
        *,
        calling: Mapping[str, object] | None = None,
        company: Mapping[str, object] | None = None,
        stages: Sequence[Mapping[str, object]] = (WATCHED,),
        **watched: object,
    ) -> None:
        """An operator applies settings: the usual ones, but for what is named."""
        document = {
            **SETTINGS,
            "company": {**COMPANY_PART, **(company or {})},
            "calling": {**CALLING_PART, **(calling or {})},
            "watched_stages": [{**stage, **watched} for stage in stages],
        }
        await _apply(self.database, document)

    def candidate(self, *phones: str, stage: int = CALL, name: str = "Erika Mustermann") -> int:
        """Somebody stands in a stage; no webhook tells of it."""
        return self.recruitee.add_candidate(COMPANY, name, phones or (PHONE,), OFFER, stage)

    def move(self, candidate_id: int, stage: int, offer_id: int = OFFER) -> None:
        """A recruiter moves the candidate; no webhook tells of it."""
        self.recruitee.change_stage(self.recruitee.candidate(candidate_id).placement(offer_id), stage, "recruiter")

    async def webhook(
        self, candidate_id: int | None, *, to: int = CALL, at: datetime | None = None, webhook_id: str = "1"
    ) -> int | None:
        """A webhook about the candidate is accepted, as the web role does it; its number, None for a double."""
        async with self.database.transaction() as tx:
            event_id = await webhooks.accept(
                tx.conn,
                COMPANY,
                webhook_id,
                at or self.clock(),
                event_type="candidate_moved",
                event_subtype="stage_changed",
                candidate_id=candidate_id,
                offer_id=OFFER,
                to_stage_id=to,
            )
            if event_id is not None:
                tx.send(WebhookAccepted(event_id=event_id))
        return event_id

    # The daemon

    async def have_watched(self) -> None:
        """The watched stages have been looked at once, while nobody stood there: what `watch` comes to, in one go."""
        await self.execute(
            "INSERT INTO stage_watches (company_id, offer_id, stage_id, watched_at, settled_at, polled_at, poll_due_at)"
            " SELECT company_id, offer_id, stage_id, $1, $1, now(), now() + interval '180 s' FROM watched_stages",
            self.clock(),
        )

    async def watch(self) -> None:
        """The watched stages are looked at for the first time, and everybody in them is read."""
        await self.watcher.follow_settings()
        await self.poll()

    async def poll(self) -> None:
        """Every stage is looked at, and everybody who differs is read."""
        await self.execute("UPDATE stage_watches SET poll_due_at = now()")
        while await self.watcher.poll_one():
            pass
        await self.read()

    async def read(self) -> None:
        """Everybody who is due is read from Recruitee."""
        while await self.watcher.read_one():
            pass

    async def open_outreach(self, *phones: str, name: str = "Erika Mustermann") -> Outreach:
        """Somebody is moved into the watched stage and their outreach is opened and planned."""
        candidate_id = self.candidate(*phones, stage=APPLIED, name=name)
        self.move(candidate_id, CALL)
        await self.webhook(candidate_id, webhook_id=f"opening {candidate_id}")
        await self.deliver(WebhookAccepted)
        await self.read()
        await self.deliver(StayChanged)
        return await self.outreach_of(candidate_id)

    async def make_due(self, outreach: Outreach) -> None:
        """Its time has come, and a dialer has been told."""
        planned = await self.outreach(outreach.id)
        assert planned.due_at is not None, f"{planned.state}: no call is planned"
        self.clock.set(max(planned.due_at, self.clock()))
        await self.scheduler.hand_out_due()
        await self.deliver(PlaceCall)

    async def dial(self, outreach: Outreach) -> Attempt:
        """Its time has come and one call is placed."""
        await self.make_due(outreach)
        assert await self.dialer.dial_one()
        return await self.last_attempt(outreach)

    async def call_ends(self, outreach: Outreach, disposition: Disposition) -> None:
        """A call of the outreach is placed and ends so; what follows is planned."""
        attempt = await self.dial(outreach)
        async with self.database.transaction() as tx:
            await calls.end(tx.conn, attempt.id, disposition, tx.now)
            tx.send(PlanOutreach(outreach_id=outreach.id))
        await self.deliver(PlanOutreach)

    async def begin_conversation(self, attempt: Attempt, **state: object) -> None:
        """The conversation of an attempt stands where `state` says."""
        script = {"language": "de", "company": "P", "candidate": "E", "job": "J", "questions": []}
        async with self.database.transaction() as tx:
            text = json.dumps({"version": 1, **state})
            await conversations.begin(tx.conn, attempt.id, attempt.outreach_id, json.dumps(script), text)

    async def person_leaves(self, attempt: Attempt) -> None:
        """The person has hung up, and the web role has seen it."""
        async with self.database.transaction() as tx:
            await conversations.person_left(tx.conn, attempt.id, 0)

    async def news(
        self, attempt: Attempt, status: str | None = None, *, ref: str | None = None, answered_by: str | None = None,
        sip_code: int | None = None, number: int = 0, deliver: bool = True
    ) -> bool:  # fmt: skip
        """The phone company tells how a call goes, as the web role takes it; False for what was told before."""
        ref = ref or attempt.provider_ref or f"CA-of-{attempt.id}"
        async with self.database.transaction() as tx:
            is_news = await call_events.accept(
                tx.conn,
                attempt.id,
                f"{ref}:{status or answered_by}:{number}",
                ref,
                "status" if status else "machine",
                call_status=status,
                answered_by=answered_by,
                sip_code=sip_code,
            )
            if is_news:
                tx.send(CallProgressed(attempt_id=attempt.id))
        if deliver:
            await self.deliver(CallProgressed)
        return is_news

    async def deliver(self, *kinds: type[Message]) -> list[Message]:
        """Carry the messages that wait (of these kinds) to their handlers until there are none; they come back."""
        handlers: dict[type[Message], Callable[[Transaction, Any], Awaitable[None]]] = {
            WebhookAccepted: self.watcher.on_webhook_accepted,
            StayChanged: self.scheduler.on_stay_changed,
            PlaceCall: self.dialer.on_place_call,
            CancelCall: self.listener.on_cancel_call,
            CallProgressed: self.listener.on_call_progressed,
            PlanOutreach: self.scheduler.on_plan_outreach,
            OutreachEnded: self.writeback.on_outreach_ended,
        }
        by_name = {kind.name: kind for kind in handlers if not kinds or kind in kinds}
        delivered: list[Message] = []
        while rows := [row for row in await self._outbox() if row.name in by_name]:
            for row in rows:
                message = decode(by_name[row.name], row.body)
                async with self.database.transaction() as tx:
                    await handlers[type(message)](tx, [message])
                    await outbox.remove(tx.conn, [row.seq])
                delivered.append(message)
        self.sent += delivered
        return delivered

    async def waiting_messages(self) -> list[str]:
        """The names of the messages that nobody has carried yet, oldest first."""
        return [row.name for row in await self._outbox()]

    async def lose_messages(self) -> None:
        """The broker loses everything."""
        await self.execute("DELETE FROM outbox")

    async def _outbox(self) -> list[outbox.OutboxRow]:
        async with self.database.transaction() as tx:
            return await outbox.take(tx.conn, 1000)

    # Time

    async def let_pass(self, seconds: float) -> None:
        """Let real time go by: leases run out, what was put off is due, what is silent has been so for longer."""
        by = timedelta(seconds=seconds)
        await self.execute("UPDATE candidate_reads SET due_at = due_at - $1::interval", by)
        await self.execute("UPDATE candidates SET read_at = read_at - $1::interval", by)
        await self.execute("UPDATE offers SET read_at = read_at - $1::interval", by)
        await self.execute(
            "UPDATE stage_watches SET poll_due_at = poll_due_at - $1::interval,"
            " unwatched_since = unwatched_since - $1::interval",
            by,
        )
        await self.execute("UPDATE dials SET due_at = due_at - $1::interval", by)
        await self.execute("UPDATE outreaches SET handed_until = handed_until - $1::interval", by)
        await self.execute(
            "UPDATE attempts SET state_since = state_since - $1::interval, looked_at = looked_at - $1::interval,"
            " placing_since = placing_since - $1::interval, hung_up_at = hung_up_at - $1::interval",
            by,
        )
        await self.execute("UPDATE call_events SET received_at = received_at - $1::interval", by)
        await self.execute("UPDATE writebacks SET due_at = due_at - $1::interval", by)

    # What the rows say

    async def execute(self, statement: str, *values: object) -> None:
        """Write into the database."""
        async with self.database.connection() as conn:
            await conn.execute(statement, *values)

    async def value(self, query: str, *values: object) -> Any:
        """One value out of the database."""
        async with self.database.connection() as conn:
            return await conn.fetchval(query, *values)

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows out of the database."""
        async with self.database.connection() as conn:
            return [dict(row) for row in await conn.fetch(query, *values)]

    async def open_stays(self) -> list[dict[str, Any]]:
        """The stays that go on."""
        return await self.rows("SELECT * FROM stays WHERE left_at IS NULL ORDER BY entered_at, candidate_id")

    async def outreach(self, outreach_id: UUID) -> Outreach:
        """An outreach as it stands now."""
        async with self.database.connection() as conn:
            found = await outreaches.get(conn, outreach_id)
        assert found is not None
        return found

    async def outreach_of(self, candidate_id: int) -> Outreach:
        """The latest outreach of a candidate."""
        found: UUID | None = await self.value(
            "SELECT id FROM outreaches WHERE candidate_id = $1 ORDER BY opened_at DESC, ended_at DESC NULLS FIRST",
            candidate_id,
        )
        assert found is not None, "there is no outreach"
        return await self.outreach(found)

    async def attempt(self, attempt_id: UUID) -> Attempt:
        """An attempt as it stands now."""
        async with self.database.connection() as conn:
            found = await calls.get(conn, attempt_id)
        assert found is not None
        return found

    async def last_attempt(self, outreach: Outreach) -> Attempt:
        """The latest attempt of an outreach."""
        found: UUID | None = await self.value(
            "SELECT id FROM attempts WHERE outreach_id = $1 ORDER BY number DESC LIMIT 1", outreach.id
        )
        assert found is not None, "nothing was attempted"
        return await self.attempt(found)

    async def how_it_ended(self, attempt: Attempt) -> tuple[AttemptState, Disposition | None]:
        """State and disposition of an attempt now."""
        [row] = await self.rows("SELECT state, disposition FROM attempts WHERE id = $1", attempt.id)
        return AttemptState(row["state"]), Disposition(row["disposition"]) if row["disposition"] else None

    async def told(self, candidate_id: int) -> list[str]:
        """The events of the candidate's timeline."""
        return [line.event for line in await self.lines(candidate_id)]

    async def lines(self, candidate_id: int) -> list[timeline.Line]:
        """The candidate's timeline."""
        async with self.database.connection() as conn:
            return await timeline.of_candidate(conn, COMPANY, candidate_id)

    async def last_rule(self, candidate_id: int, event: str) -> str | None:
        """The rule on the latest line of this event."""
        return [line.rule for line in await self.lines(candidate_id) if line.event == event][-1]


async def store_settings_and_token(database: Database) -> None:
    """What an operator does once."""
    await _apply(database, SETTINGS)
    async with database.transaction() as tx:
        await companies.store_token(tx.conn, VAULT, COMPANY, TOKEN)


async def _apply(database: Database, document: Mapping[str, object]) -> None:
    async with database.transaction() as tx:
        await settings.apply(tx.conn, parse(json.dumps(document)), "test")


@asynccontextmanager
async def scene(database_url: str, patience: Patience = PATIENCE) -> AsyncIterator[Scene]:
    """Monday morning, in a database that holds settings and token; nobody has been moved, no stage was looked at."""
    clock = Clock(MONDAY)
    recruitee = SmallRecruitee(clock, BERLIN)
    recruitee.add_company(COMPANY, "Pflege am Teuto", TOKEN)
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft (m/w/d)", STAGES)
    await recruitee.start()
    database = await Database.open(database_url, clock)
    try:
        async with (
            TelephoneNetwork(account_sid=ACCOUNT, auth_token=AUTH_TOKEN) as telephone,
            aiohttp.ClientSession() as session,
        ):
            telephone.queued_s = FOR_EVER_S
            yield Scene(clock, database, recruitee, telephone, VAULT, session, database_url, patience)
    finally:
        await database.close()
        await recruitee.stop()
