"""Finds out who enters and who leaves a watched stage.

1. An accepted webhook only marks its candidate as to be read; it is a hint, whatever it says.
2. Each watched stage is looked at every few minutes: who is there and not known, or known and not there, is marked too.
3. Marked candidates are read from Recruitee, and the reading alone begins and ends stays.
4. The settings say what is watched; a stage that is watched no more ends its stays after five minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

import structlog

from klara_daemon.actors.elapsed import Clocks, clocks, elapsed_s
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.actors.readings import keep_candidate, keep_offer
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.domain.back_off import back_off_s
from klara_daemon.domain.stays import FIRST_LOOK_IN_TIME, Enter, Leave, OpenStay, Standing, changes
from klara_daemon.messages import StayChanged, WebhookAccepted
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Access, Candidate, Gone, Placement, Reconnect, RecruiteeError, Unavailable
from klara_daemon.store import outreaches, stays, watches, webhooks
from klara_daemon.store.database import About, Database, Transaction
from klara_daemon.store.stays import Read, Stay
from klara_daemon.store.watches import Watch

GRACE_S = 300.0
NOTED_AT_ONCE = 200
NEW_NUMBER_AFTER_S = 600.0
"""No webhook tells of a corrected number: those who have none that can be called are read again so often."""

log = structlog.get_logger()


class StageWatcher:
    """Any number may run: what one has taken in hand, the others pass over."""

    def __init__(
        self,
        database: Database,
        recruitee: RecruiteeClient,
        door: RecruiteeDoor,
        *,
        poll_every_s: float,
        patience: Patience = PATIENCE,
    ) -> None:
        self._database = database
        self._recruitee = recruitee
        self._door = door
        self._poll_every_s = poll_every_s
        self._patience = patience

    # Webhooks

    async def on_webhook_accepted(self, tx: Transaction, messages: Sequence[WebhookAccepted]) -> None:
        """Mark the candidates whom webhooks tell of; a webhook that names nobody prompts a look at the company."""
        told = await webhooks.accepted(tx.conn, [message.event_id for message in messages])
        people = {(event.company_id, event.candidate_id) for event in told if event.candidate_id is not None}
        await stays.want_read(tx.conn, sorted(people))
        for company_id in {event.company_id for event in told if event.candidate_id is None}:
            await watches.poll_soon(tx.conn, company_id)
        tx.ring("reads")
        tx.ring("polls")

    # Settings

    async def follow_settings(self) -> bool:
        """Begin and end watches as the settings say; open those who were there already where that is wanted now."""
        async with self._database.transaction() as tx:
            await watches.follow_settings(tx.conn, tx.now)
            changed = await stays.uncalled_but_wanted(tx.conn)
            for watch in await watches.no_longer_watched(tx.conn, GRACE_S):
                changed += await stays.leave_stage(tx.conn, watch.company_id, watch.offer_id, watch.stage_id, tx.now)
                log.info("watch_ended", company_id=watch.company_id, offer_id=watch.offer_id, stage_id=watch.stage_id)
            for stay_id in changed:
                tx.send(StayChanged(stay_id=stay_id))
            tx.ring("polls")
        return False

    # Polling

    async def poll_one(self) -> bool:
        """Look at the stage that is due, if one is."""
        async with self._database.transaction() as tx:
            watch = await watches.claim_poll(tx.conn, self._poll_every_s)
        if watch is None:
            return False
        access = await self._door.access(watch.company_id)
        if access is None:
            return True
        try:
            there = await self._recruitee.placements_in_stage(access, watch.offer_id, watch.stage_id)
        except RecruiteeError as error:
            if isinstance(error, Reconnect):
                await self._door.refused(access, error)
            await self._poll_failed(watch, error)
        else:
            await self._door.welcomed(watch.company_id)
            await self._compare(watch, [placement for placement in there if _is_callable(placement)])
            await self._look_at_offer(access, watch)
        return True

    async def _look_at_offer(self, access: Access, watch: Watch) -> None:
        """Whether the job is open, for as long as anybody waits for a call about it; the next look may fail less."""
        async with self._database.connection() as conn:
            if not await outreaches.is_any_open(conn, watch.company_id, watch.offer_id):
                return
        begun = clocks()
        try:
            offer = await self._recruitee.offer(access, watch.offer_id)
        except RecruiteeError as error:
            log.warning("offer_not_read", company_id=watch.company_id, offer_id=watch.offer_id, cause=str(error))
            return
        async with self._database.transaction() as tx:
            await keep_offer(tx, watch.company_id, offer, elapsed_s(begun))

    async def _poll_failed(self, watch: Watch, error: RecruiteeError) -> None:
        log.warning(
            "stage_not_read",
            company_id=watch.company_id,
            offer_id=watch.offer_id,
            stage_id=watch.stage_id,
            cause=f"{type(error).__name__}: {error}",
        )
        async with self._database.transaction() as tx:
            asked_s = error.retry_after_s if isinstance(error, Unavailable) else None
            await watches.polled(tx.conn, watch, tx.now, str(error), asked_s)

    async def _compare(self, watch: Watch, there: Sequence[Placement]) -> None:
        """Have everybody read about whom Recruitee's list and ours differ; a first look notes who was there."""
        async with self._database.connection() as conn:
            known = await stays.people_in_stage(conn, watch.company_id, watch.offer_id, watch.stage_id)
        if not watch.settled:
            await self._note_already_there(watch, there)
        async with self._database.transaction() as tx:
            listed = {placement.candidate_id for placement in there}
            different = sorted(known ^ listed)
            uncallable = await stays.uncallable_in_stage(
                tx.conn, watch.company_id, watch.offer_id, watch.stage_id, NEW_NUMBER_AFTER_S
            )
            await stays.want_read(tx.conn, [(watch.company_id, person) for person in {*different, *uncallable}])
            await watches.polled(tx.conn, watch, tx.now, None)
            tx.ring("reads")
            if not watch.settled:
                await _tell_if_late(tx, watch)
            if different:
                log.info("stage_differed", company_id=watch.company_id, stage_id=watch.stage_id, people=len(different))

    async def _note_already_there(self, watch: Watch, there: Sequence[Placement]) -> None:
        """Some people at a time: Postgres holds only so many locks at once."""
        for nth in range(0, len(there), NOTED_AT_ONCE):
            async with self._database.transaction() as tx:
                for placement in sorted(there[nth : nth + NOTED_AT_ONCE], key=lambda one: one.candidate_id):
                    await stays.lock_person(tx.conn, watch.company_id, placement.candidate_id)
                    enter = Enter(placement.id, watch.place)
                    known = await stays.open_stays(tx.conn, watch.company_id, placement.candidate_id)
                    if all((stay.placement_id, stay.place) != (enter.placement_id, enter.place) for stay in known):
                        await self._enter(tx, placement.candidate_id, enter, watch)

    # Reading

    async def read_one(self) -> bool:
        """Read the candidate who is due, if one is, and let the reading decide."""
        async with self._database.transaction() as tx:
            read = await stays.claim_read(tx.conn, self._patience.reading_s)
        if read is None:
            return False
        access = await self._door.access(read.company_id)
        if access is None:
            await self._read_later(read, "the company has no token")
            return True
        begun = clocks()
        try:
            candidate: Candidate | None = await self._recruitee.candidate(access, read.candidate_id)
        except Gone:
            candidate = None
        except RecruiteeError as error:
            if isinstance(error, Reconnect):
                await self._door.refused(access, error)
            await self._read_later(read, str(error), error.retry_after_s if isinstance(error, Unavailable) else None)
            return True
        await self._settle(read, candidate, begun)
        return True

    async def _read_later(self, read: Read, cause: str, after_s: float | None = None) -> None:
        wait_s = after_s or back_off_s(read.tries)
        log.warning(
            "candidate_not_read", company_id=read.company_id, candidate_id=read.candidate_id, cause=cause, wait_s=wait_s
        )
        async with self._database.transaction() as tx:
            await stays.read_later(tx.conn, read, wait_s)

    async def _settle(self, read: Read, candidate: Candidate | None, begun: Clocks) -> None:
        """Let a reading (begun then) begin and end stays, unless it is outdated.

        A doubled or late reason to read is no matter.
        """
        async with self._database.transaction() as tx:
            await stays.lock_person(tx.conn, read.company_id, read.candidate_id)
            if not await stays.read_done(tx.conn, read):
                return
            going_on = await stays.open_stays(tx.conn, read.company_id, read.candidate_id)
            watched = {watch.place: watch for watch in await watches.of_company(tx.conn, read.company_id)}
            open_stays = [OpenStay(stay.id, stay.placement_id, stay.place) for stay in going_on]
            for change in changes(_standings(candidate), watched.keys(), open_stays):
                match change:
                    case Enter():
                        await self._enter(tx, read.candidate_id, change, watched[change.place])
                    case Leave():
                        await self._leave(tx, read, change)
                    case _:
                        assert_never(change)
            if candidate is not None:
                await keep_candidate(tx, read.company_id, candidate, going_on, elapsed_s(begun))
            for stay in going_on:
                if stay.already_there and stay.place in watched:
                    await self._enter_after_all(tx, stay, watched[stay.place])

    async def _enter(self, tx: Transaction, candidate_id: int, enter: Enter, watch: Watch) -> None:
        """Begin a stay. Who is found before the first complete look was there before, unless a webhook knows better."""
        place = enter.place
        moved_here = await webhooks.was_moved(tx.conn, watch.company_id, candidate_id, place, since=watch.watched_at)
        already_there = not watch.settled and not moved_here
        stay_id = await stays.enter(
            tx.conn, watch.company_id, candidate_id, enter.placement_id, place, tx.now, already_there=already_there
        )
        is_late = already_there and tx.now - watch.watched_at > FIRST_LOOK_IN_TIME
        late = {"named_at": watch.watched_at.isoformat()} if is_late else {}
        about = About(watch.company_id, candidate_id, place.offer_id)
        tx.note("stage_entered", about, stage_id=place.stage_id, already_there=already_there, **late)
        tx.send(StayChanged(stay_id=stay_id))

    async def _enter_after_all(self, tx: Transaction, stay: Stay, watch: Watch) -> None:
        """A webhook told late that somebody taken for already there was moved here while the stage was watched."""
        if await webhooks.was_moved(tx.conn, stay.company_id, stay.candidate_id, stay.place, since=watch.watched_at):
            await stays.entered_after_all(tx.conn, stay.id, tx.now)
            tx.send(StayChanged(stay_id=stay.id))

    async def _leave(self, tx: Transaction, read: Read, leave: Leave) -> None:
        await stays.leave(tx.conn, leave.stay_id, tx.now, leave.because)
        tx.note("stage_left", About(read.company_id, read.candidate_id), rule=leave.because)
        tx.send(StayChanged(stay_id=leave.stay_id))


async def _tell_if_late(tx: Transaction, watch: Watch) -> None:
    """Somebody may have been moved in while the stage was watched and could not be looked at: nobody can know."""
    for look in await watches.late_first_looks(tx.conn, tx.now):
        if look.watch.place == watch.place and look.watch.company_id == watch.company_id:
            log.warning(
                "first_look_late",
                company_id=watch.company_id,
                offer_id=watch.offer_id,
                stage_id=watch.stage_id,
                minutes=look.late // timedelta(minutes=1),
                people=look.people,
            )


def _is_callable(placement: Placement) -> bool:
    return not placement.disqualified and not placement.hired


def _standings(candidate: Candidate | None) -> list[Standing] | None:
    if candidate is None or candidate.deleted:
        return None
    return [
        Standing(placement.id, placement.offer_id, placement.stage_id, placement.disqualified, placement.hired)
        for placement in candidate.placements
    ]
