"""What people, vendors and clocks do around the daemon, one small thing at a time, and the machine's own record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from klara_daemon.demo.recruitee.accounts import Placement
from klara_daemon.demo.telephone.people import NotInService
from klara_daemon.messages import PlanOutreach, WebhookAccepted
from klara_daemon.store import pauses, webhooks
from klara_daemon.store.database import Database
from tests.actors.scene import Clock, Scene
from tests.machine.jobs import COMPANIES, JOBS, Job
from tests.machine.settings import Settings
from tests.machine.sometimes import Sometimes
from tests.machine.wire import NotingNetwork, NotingRecruitee

PEOPLE_AT_MOST: Final = 5
LONGEST_CALL_S: Final = 900.0


@dataclass(slots=True)
class OptOut:
    """Who said no to a company: by candidate, by number (E.164), or both."""

    company_id: int
    candidate_id: int | None
    e164: str | None


class World:
    """One example's world. `seconds` is real time as the machine lets it pass, `clock` the business clock."""

    def __init__(self, scene: Scene, sometimes: Sometimes) -> None:
        assert isinstance(scene.telephone, NotingNetwork)
        assert isinstance(scene.recruitee, NotingRecruitee)
        self.scene = scene
        self.clock: Clock = scene.clock
        self.database: Database = scene.database
        self.telephone: NotingNetwork = scene.telephone
        self.recruitee: NotingRecruitee = scene.recruitee
        self.sometimes = sometimes
        self.seconds = 0.0
        self.settings = {company_id: Settings() for company_id in COMPANIES}
        self.all_settings = {company_id: [Settings()] for company_id in COMPANIES}
        self.watched: set[Job] = set(JOBS)
        self.ever_unwatched: set[Job] = set()
        self.paused: set[int] = set()
        self.opt_outs: list[OptOut] = []
        self.opted_out_ever: list[OptOut] = []
        self.callbacks: dict[UUID, datetime] = {}
        self.people: list[int] = []
        self.away: set[tuple[int, int]] = set()
        """(placement, stage): was not callable there after it had been."""
        self.out_of_service: set[str] = set()
        self._were: frozenset[tuple[int, int]] = frozenset()
        self._phones_were: dict[int, set[str]] = {}
        self._webhooks = 0
        self.recruitee.seconds = lambda: self.seconds

    # Time

    async def let_pass(self, seconds: float) -> None:
        """Real time goes by, for Postgres and for the phone company."""
        self.seconds += seconds
        await self.scene.let_pass(seconds)
        for call in self.telephone.calls:
            call.created_at -= timedelta(seconds=seconds)

    async def advance(self, by: timedelta) -> None:
        """Time goes by on both clocks."""
        self.clock.set(self.clock() + by)
        await self.let_pass(by.total_seconds())

    async def next_due_at(self) -> datetime | None:
        """When the next call is due."""
        due_at: datetime | None = await self.scene.value(
            "SELECT min(due_at) FROM outreaches WHERE state = 'waiting' AND due_at > $1", self.clock()
        )
        return due_at

    async def is_anybody_due(self) -> bool:
        """Whether anybody's call is due, and not placed yet."""
        due: bool = await self.scene.value(
            "SELECT EXISTS (SELECT FROM outreaches WHERE state = 'waiting' AND due_at <= $1)", self.clock()
        )
        return due

    # Recruiters

    def cards(self) -> list[Placement]:
        """Every placement of everybody who was not deleted."""
        people = [self.recruitee.candidate(one) for one in self.people]
        return [card for person in people if person.deleted_at is None for card in person.placements]

    def job_of(self, card: Placement) -> Job:
        """The job in which a card stands."""
        return next(job for job in JOBS if job.offer_id == card.offer_id)

    async def add_person(self, job: Job, phones: tuple[str, ...], *, in_stage: bool, webhook: bool) -> None:
        """Somebody applies, and may be moved at once."""
        if len(self.people) >= PEOPLE_AT_MOST:
            return
        person = self.recruitee.add_candidate(job.company_id, "Erika Mustermann", phones, job.offer_id, job.applied)
        self.people.append(person)
        self._phones_were[person] = set(phones)
        if in_stage:
            await self.move(self.recruitee.candidate(person).placements[0], job.call, webhook=webhook)

    async def add_card(self, person: int, job: Job, *, webhook: bool) -> None:
        """Somebody is put into one more job of the company, into its watched stage."""
        candidate = self.recruitee.candidate(person)
        if candidate.company_id != job.company_id or any(one.offer_id == job.offer_id for one in candidate.placements):
            return
        self.recruitee.add_placement(person, job.offer_id, job.call)
        if webhook:
            await self.tell(candidate.placement(job.offer_id))

    async def move(self, card: Placement, stage_id: int, *, webhook: bool) -> None:
        """A recruiter moves a card."""
        self.recruitee.change_stage(card, stage_id, "recruiter")
        if webhook:
            await self.tell(card)

    async def disqualify(self, card: Placement, *, webhook: bool) -> None:
        """A recruiter rejects somebody, or takes that back."""
        card.disqualified_at = None if card.disqualified_at else self.clock()
        if webhook:
            await self.tell(card)

    def delete(self, person: int) -> None:
        """Somebody is deleted."""
        self.recruitee.candidate(person).deleted_at = self.clock()

    async def tell(self, card: Placement) -> None:
        """Recruitee's webhook comes in, as the web role takes it."""
        self._webhooks += 1
        async with self.database.transaction() as tx:
            event_id = await webhooks.accept(
                tx.conn,
                self.job_of(card).company_id,
                str(self._webhooks),
                self.clock(),
                event_type="candidate_moved",
                event_subtype="stage_changed",
                candidate_id=card.candidate_id,
                offer_id=card.offer_id,
                to_stage_id=card.stage_id,
            )
            assert event_id is not None
            tx.send(WebhookAccepted(event_id=event_id))

    def note_who_left(self) -> None:
        """Keep in mind who stood somewhere before this moment and does not now."""
        now = frozenset(place for person in self.people for place in self.recruitee.callable_at(person))
        self.away |= self._were - now
        self._were = now

    # Operators

    async def set(self, company_id: int, **changed: Any) -> None:
        """Somebody saves other settings."""
        await self.save(company_id, replace(self.settings[company_id], **changed))

    async def save(self, company_id: int, settings: Settings) -> None:
        """The settings of a company are these from now on."""
        async with self.database.connection() as conn:
            await settings.write(conn, company_id)
        self.settings[company_id] = settings
        self.all_settings[company_id].append(settings)

    async def watch_or_not(self, job: Job) -> None:
        """A stage is watched no more, or again."""
        key = (job.company_id, job.offer_id, job.call)
        if job in self.watched:
            self.watched.remove(job)
            self.ever_unwatched.add(job)
            await self.scene.execute(
                "DELETE FROM watched_stages WHERE (company_id, offer_id, stage_id) = ($1, $2, $3)", *key
            )
        else:
            self.watched.add(job)
            await self.scene.execute(
                "INSERT INTO watched_stages (company_id, offer_id, stage_id, mode, question_set)"
                " VALUES ($1, $2, $3, 'interview', 'care')",
                *key,
            )

    async def pause_or_resume(self, company_id: int) -> None:
        """Calling is paused for a company, or for every one (0); or resumed."""
        async with self.database.connection() as conn:
            if company_id in self.paused:
                await pauses.resume(conn, company_id, "machine")
                self.paused.remove(company_id)
            else:
                await pauses.pause(conn, company_id, "machine", "a test")
                self.paused.add(company_id)

    async def opt_out(self, opt_out: OptOut) -> None:
        """Somebody says no, by letter."""
        await self.scene.execute(
            "INSERT INTO opt_outs (company_id, candidate_id, e164, at, who, why) VALUES ($1, $2, $3, $4, 'x', 'y')",
            opt_out.company_id,
            opt_out.candidate_id,
            opt_out.e164,
            self.clock(),
        )
        self.said_no(opt_out)

    def said_no(self, opt_out: OptOut) -> None:
        """Keep in mind who said no."""
        self.opt_outs.append(opt_out)
        self.opted_out_ever.append(opt_out)

    async def take_back_opt_outs(self) -> None:
        """Everybody may be called again."""
        await self.scene.execute(
            "UPDATE opt_outs SET removed_at = $1, removed_by = 'x', removed_why = 'y' WHERE removed_at IS NULL",
            self.clock(),
        )
        self.opt_outs.clear()

    async def ask_for_callback(self, outreach_id: UUID, at: datetime) -> None:
        """Somebody asks to be called at that time; it is planned as after a call."""
        async with self.database.transaction() as tx:
            tag = await tx.conn.execute(
                "UPDATE outreaches SET callback_at = $2 WHERE id = $1 AND state <> 'ended'", outreach_id, at
            )
            tx.send(PlanOutreach(outreach_id=outreach_id))
        if tag == "UPDATE 1":
            self.callbacks[outreach_id] = at

    def numbers_ever(self, candidate_id: int) -> frozenset[str]:
        """Every number that this person has had."""
        return frozenset(self._phones_were[candidate_id])

    def edit_phones(self, person: int, phones: tuple[str, ...]) -> None:
        """A recruiter corrects somebody's numbers; no webhook tells of it."""
        candidate = self.recruitee.candidate(person)
        self.recruitee.edit_phones(candidate.company_id, person, phones)
        self._phones_were[person] |= set(phones)

    def go_out_of_service(self, number: str) -> None:
        """The phone company refuses every call to this number from now on."""
        self.out_of_service.add(number)
        self.telephone.person(number, NotInService())

    def has_opted_out(self, company_id: int, candidate_id: int, numbers: frozenset[str]) -> bool:
        """Rule 9, as it stands now."""
        return _names(self.opt_outs, company_id, candidate_id, numbers)

    def has_ever_opted_out(self, company_id: int, candidate_id: int, numbers: frozenset[str]) -> bool:
        """Whether they said no at any time."""
        return _names(self.opted_out_ever, company_id, candidate_id, numbers)


def _names(opt_outs: list[OptOut], company_id: int, candidate_id: int, numbers: frozenset[str]) -> bool:
    return any(
        one.company_id == company_id and (one.candidate_id == candidate_id or one.e164 in numbers) for one in opt_outs
    )
