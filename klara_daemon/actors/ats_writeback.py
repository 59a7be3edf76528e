"""Tells Recruitee how an outreach ended: a note, then a move, then a look whether it holds; each once.

At least once and idempotent: the note's marker is looked for before it is written, and the move is made only from the
watched stage. If a recruiter has moved the candidate meanwhile, the note is written and the move is not made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import structlog

from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.domain.back_off import back_off_s
from klara_daemon.domain.moves import Column, Move, Moved, NoMove, Standing, Wish, decide_move, wants_move
from klara_daemon.domain.outcome_notes import marker, note_lines
from klara_daemon.messages import OutreachEnded
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Access, Candidate, Gone, Offer, Reconnect, RecruiteeError, Unavailable
from klara_daemon.store import notes, settings, watches, writebacks
from klara_daemon.store.database import Database, Transaction
from klara_daemon.store.settings import WatchedStage
from klara_daemon.store.writebacks import Writeback

SHUT_S = 60.0
HIRE = "hire"

log = structlog.get_logger()


class _NotNow(Exception):
    """It cannot be decided at the moment."""


class _TakenOver(Exception):
    """Our lease ran out, and somebody else works on it."""


class AtsWriteback:
    """Any number may run: a debt that one has taken in hand, the others pass over."""

    def __init__(
        self, database: Database, recruitee: RecruiteeClient, door: RecruiteeDoor, patience: Patience = PATIENCE
    ) -> None:
        self._database = database
        self._recruitee = recruitee
        self._door = door
        self._patience = patience

    async def on_outreach_ended(self, tx: Transaction, messages: Sequence[OutreachEnded]) -> None:
        """What is owed stands in the rows already; look at them now."""
        log.debug("outreaches_ended", outreaches=len(messages))
        tx.ring("writebacks")

    async def write_one(self) -> bool:
        """Settle the debt that is due, if one is, as far as Recruitee lets us."""
        async with self._database.transaction() as tx:
            writeback = await writebacks.claim(tx.conn, self._patience.writing_back_s)
        if writeback is None:
            return False
        access = await self._door.open_access(writeback.company_id)
        if access is None:
            await self._later(writeback, "the company must be reconnected", SHUT_S)
            return True
        try:
            await self._settle(access, writeback)
        except Reconnect as error:
            await self._door.refused(access, error)
            await self._later(writeback, str(error))
        except RecruiteeError as error:
            await self._later(writeback, str(error), error.retry_after_s if isinstance(error, Unavailable) else None)
        except _NotNow as error:
            await self._later(writeback, str(error), SHUT_S)
        except _TakenOver:
            log.warning("writeback_taken_over", writeback_id=writeback.id)
        return True

    async def _still_ours(self, writeback: Writeback) -> None:
        """The fence before each write: whoever was slower than the lease leaves it to the one who has it now."""
        async with self._database.transaction() as tx:
            if not await writebacks.renew(tx.conn, writeback.id, writeback.lease, self._patience.writing_back_s):
                raise _TakenOver

    async def _settle(self, access: Access, writeback: Writeback) -> None:
        try:
            if writeback.note_id is None:
                await self._write_note(access, writeback)
            if writeback.move == "open":
                await self._move(access, writeback)
        except Gone:
            log.info("writeback_given_up", writeback_id=writeback.id, because="candidate_gone")
        async with self._database.transaction() as tx:
            await writebacks.done(tx.conn, writeback.id, tx.now)

    async def _later(self, writeback: Writeback, fault: str, after_s: float | None = None) -> None:
        wait_s = after_s or back_off_s(writeback.tries)
        log.warning("writeback_postponed", writeback_id=writeback.id, cause=fault, wait_s=wait_s)
        async with self._database.transaction() as tx:
            await writebacks.later(tx.conn, writeback.id, wait_s, fault)

    # The note

    async def _write_note(self, access: Access, writeback: Writeback) -> None:
        sign = marker(writeback.id)
        standing = await self._recruitee.notes(access, writeback.candidate_id)
        note_id = next((note.id for note in standing if sign in note.text), None)
        if note_id is None:
            async with self._database.connection() as conn:
                facts = await notes.facts(conn, writeback)
            await self._still_ours(writeback)
            note_id = (await self._recruitee.add_note(access, writeback.candidate_id, note_lines(facts))).id
        async with self._database.transaction() as tx:
            await writebacks.noted(tx.conn, writeback.id, note_id)
            tx.note("note_written", writeback.about)
        log.info("note_written", writeback_id=writeback.id, note_id=note_id)

    # The move

    async def _move(self, access: Access, writeback: Writeback) -> None:
        async with self._database.connection() as conn:
            watched = await settings.watched_stage(conn, writeback.company_id, writeback.offer_id, writeback.stage_id)
            if watched is None and await watches.is_watched(conn, writeback.company_id, writeback.place):
                raise _NotNow("the settings of the stage are being saved")
        wish = _wish(watched)
        if not wants_move(wish, writeback.outcome):
            await self._moved(writeback, decide_move(None, writeback.outcome, writeback.stage_id, None, ()))
            return
        offer = await self._recruitee.offer(access, writeback.offer_id)
        pipeline = _pipeline(offer)
        now = await self._standing(access, writeback)
        decision = decide_move(wish, writeback.outcome, writeback.stage_id, now, pipeline)
        if isinstance(decision, Move):
            await self._still_ours(writeback)
            await self._recruitee.change_stage(access, writeback.placement_id, decision.to.id)
            now = await self._standing(access, writeback)
            decision = decide_move(wish, writeback.outcome, writeback.stage_id, now, pipeline)
            if isinstance(decision, Move):
                raise RecruiteeError("the move was accepted, but the candidate still stands in the watched stage")
        await self._moved(writeback, decision)

    async def _standing(self, access: Access, writeback: Writeback) -> Standing | None:
        try:
            candidate = await self._recruitee.candidate(access, writeback.candidate_id)
        except Gone:
            return None
        return _standing(candidate, writeback.placement_id)

    async def _moved(self, writeback: Writeback, decision: Move | Moved | NoMove) -> None:
        async with self._database.transaction() as tx:
            match decision:
                case Move(to) | Moved(to):
                    await writebacks.moved(tx.conn, writeback.id, "moved", to.id)
                    tx.note("candidate_moved", writeback.about, stage=to.name, stage_id=to.id)
                case NoMove(code, says, wanted):
                    await writebacks.moved(tx.conn, writeback.id, "not_possible" if wanted else "not_wanted", None)
                    if wanted:
                        tx.note("move_not_made", writeback.about, rule=code, says=says)
                case _:
                    assert_never(decision)
        log.info("move_settled", writeback_id=writeback.id, decision=type(decision).__name__)


def _wish(watched: WatchedStage | None) -> Wish | None:
    if watched is None:
        return None
    return Wish(watched.target.value, watched.target_stage_id, watched.move_when.value == "reached")


def _pipeline(offer: Offer) -> tuple[Column, ...]:
    return tuple(Column(stage.id, stage.name, stage.position, stage.category == HIRE) for stage in offer.stages)


def _standing(candidate: Candidate, placement_id: int) -> Standing | None:
    placement = next((one for one in candidate.placements if one.id == placement_id), None)
    if placement is None or candidate.deleted:
        return None
    return Standing(placement.stage_id, placement.disqualified, placement.hired)
