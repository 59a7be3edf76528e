"""What is done with a call that somebody picked up: is it the one call of its attempt, and how does the talk begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

import structlog

from klara_daemon.domain.dialogue.machine import begin, from_json, step, to_json
from klara_daemon.domain.dialogue.turns import Connected, Say, Script
from klara_daemon.domain.dispositions import AttemptState
from klara_daemon.store import calls, conversations, outreaches, settings, stays
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Database, Transaction
from klara_daemon.web.parting import person_left
from klara_daemon.web.spoken_call import SCRIPT

TAKEN_UP_AT_MOST = 5
LINE_LOST = "line_lost"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Talk:
    """Connect the call to the conversation, in this language; `greeting` is the first sentence, if it is the first."""

    language: str
    greeting: str | None = None


class Answering:
    """Decides about answered calls, with the attempt's row locked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, attempt_id: UUID, ref: str) -> Talk | None:
        """The fence at answer time: None (hang up) for a call that is not the one live call of its attempt."""
        async with self._database.transaction() as tx:
            locked = await calls.lock(tx.conn, [attempt_id])
            if not locked or not _is_its_one_call(locked[0], ref):
                log.warning("answered_call_refused", attempt_id=attempt_id)
                return None
            attempt = locked[0]
            await calls.adopt(tx.conn, attempt.id, ref)
            await calls.go_on(tx.conn, attempt.id, AttemptState.TALKING, "in-progress", tx.now)
            if attempt.state is not AttemptState.TALKING:
                tx.note("call_answered", attempt.about)
            return await self._begin(tx, attempt)

    async def take_up(self, attempt_id: UUID, ref: str, line: int) -> Talk | None:
        """Go on after `line` (from 0) broke while the person is still there; None (hang up) when that makes no sense.

        Told twice of the same line, it is taken up once: the line that has followed may be speaking already.
        """
        async with self._database.transaction() as tx:
            if not await _is_talking(tx, attempt_id, ref):
                return None
            await conversations.broke_off(tx.conn, attempt_id, line, LINE_LOST)
            if not await conversations.take_up(tx.conn, attempt_id, line, TAKEN_UP_AT_MOST):
                return None
            conversation = await conversations.lock(tx.conn, attempt_id)
            return Talk(SCRIPT.validate_json(conversation.script).language) if conversation else None

    async def over(self, attempt_id: UUID, ref: str, line: int, *, is_lost: bool) -> None:
        """The call is over with `line` (from 0): the person hung up, or the line `is_lost`."""
        async with self._database.transaction() as tx:
            if not await _is_talking(tx, attempt_id, ref):
                return
            if is_lost:
                await conversations.broke_off(tx.conn, attempt_id, line, LINE_LOST)
            else:
                await person_left(tx, attempt_id, line)

    async def inbound_language(self, number: str) -> str:
        """The language in which the one neutral sentence is said to whoever rings this number of ours."""
        async with self._database.connection() as conn:
            return await outreaches.language_of_number(conn, number) or "de"

    async def _begin(self, tx: Transaction, attempt: Attempt) -> Talk | None:
        if conversation := await conversations.lock(tx.conn, attempt.id):
            script, state = SCRIPT.validate_json(conversation.script), from_json(conversation.state)
        else:
            known = await self._script(tx, attempt)
            if known is None:
                return None
            script, state = known, begin(known)
            text = SCRIPT.dump_json(script).decode()
            await conversations.begin(tx.conn, attempt.id, attempt.outreach_id, text, to_json(state))
        _, actions = step(script, state, Connected())
        greeting = next((action.text for action in actions if isinstance(action, Say)), None)
        return Talk(script.language, greeting)

    async def _script(self, tx: Transaction, attempt: Attempt) -> Script | None:
        outreach = await outreaches.get(tx.conn, attempt.outreach_id)
        company = await settings.company(tx.conn, attempt.company_id)
        if outreach is None or company is None:
            return None
        watched = await settings.watched_stage(tx.conn, outreach.company_id, outreach.offer_id, outreach.stage_id)
        chosen = watched.question_set if watched else None
        asked = await settings.question_set(tx.conn, outreach.company_id, chosen) if chosen else None
        if asked is None or not asked.questions:
            return None
        name, _ = await stays.phones_of(tx.conn, outreach.company_id, outreach.candidate_id)
        answered = await conversations.answers(tx.conn, outreach.id)
        return Script(
            language=asked.language,
            company=company.name,
            candidate=name,
            job=await stays.offer_title(tx.conn, outreach.company_id, outreach.offer_id) or "",
            questions=asked.questions,
            answered=frozenset(answer.key for answer in answered),
        )


async def _is_talking(tx: Transaction, attempt_id: UUID, ref: str) -> bool:
    """Whether this call is the attempt's and is not over; the attempt is locked."""
    locked = await calls.lock(tx.conn, [attempt_id])
    return bool(locked) and locked[0].state is AttemptState.TALKING and locked[0].provider_ref == ref


def _is_its_one_call(attempt: Attempt, ref: str) -> bool:
    if attempt.hang_up_because is not None or attempt.provider_ref not in {None, ref}:
        return False
    match attempt.state:
        case AttemptState.CLAIMED | AttemptState.ENDED:
            return False
        case AttemptState.TALKING:
            return attempt.provider_ref == ref
        case AttemptState.PLACING | AttemptState.UNCLEAR | AttemptState.PLACED | AttemptState.RINGING:
            return True
        case _:
            assert_never(attempt.state)
