"""The memory of a spoken call: each turn is one transaction, so a broken line loses nothing that was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from klara_daemon.domain.dialogue.machine import from_json, step, to_json
from klara_daemon.domain.dialogue.speakable import heard as storable
from klara_daemon.domain.dialogue.turns import (
    Action,
    Connected,
    End,
    Heard,
    KeepAnswer,
    Key,
    OptOut,
    Say,
    Script,
    Silence,
    Speech,
    TimeUp,
)
from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.store import calls, conversations, opt_outs
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Database, Transaction
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.relay import Leaving
from klara_daemon.telephony.relay_frames import Setup
from klara_daemon.web.parting import person_left

OUR_FAULTS = frozenset({Leaving.FAILED, Leaving.UNREADABLE, Leaving.DRAINED})

log = structlog.get_logger()

SCRIPT = TypeAdapter(Script)


class SpokenCall:
    """One attempt's conversation, as the relay session holds it.

    A socket may be half open for long after the line was taken up elsewhere: only the line that was taken up last
    speaks, and only its silence, its end and its faults are the call's.
    """

    def __init__(self, database: Database, attempt_id: UUID) -> None:
        self._database = database
        self._attempt_id = attempt_id
        self._line = 0

    async def time_left(self, timing: Timing) -> Timing:
        """The timing of a line that may have been taken up again: no call lasts longer for having been broken."""
        async with self._database.connection() as conn:
            lasted_s = await conversations.lasts_s(conn, self._attempt_id)
        return replace(timing, longest_s=max(timing.farewell_s, timing.longest_s - lasted_s))

    async def begin(self, setup: Setup) -> Sequence[Action] | None:
        """Begin, or go on after a broken line; None when this is not the attempt's one call."""
        async with self._database.transaction() as tx:
            locked = await calls.lock(tx.conn, [self._attempt_id])
            if not locked or locked[0].state is not AttemptState.TALKING or locked[0].provider_ref != setup.ref:
                log.warning("relay_refused", attempt_id=self._attempt_id)
                return None
            self._line = setup.line
            return await self._turn(tx, locked[0], Connected())

    async def hear(self, heard: Heard) -> Sequence[Action] | None:
        """One turn; what it decided is committed before it is spoken. None on a line that was left behind."""
        async with self._database.transaction() as tx:
            (attempt,) = await calls.lock(tx.conn, [self._attempt_id])
            return await self._turn(tx, attempt, heard)

    async def left(self, reason: str) -> None:
        """The line is gone; the attempt ends when the phone company says so. Only a person who closed it has left."""
        if reason not in {*OUR_FAULTS, Leaving.CLOSED}:
            return
        async with self._database.transaction() as tx:
            await calls.lock(tx.conn, [self._attempt_id])
            if reason == Leaving.CLOSED:
                await person_left(tx, self._attempt_id, self._line)
            else:
                await conversations.broke_off(tx.conn, self._attempt_id, self._line, reason)

    async def _turn(self, tx: Transaction, attempt: Attempt, heard: Heard) -> Sequence[Action] | None:
        conversation = await conversations.lock(tx.conn, attempt.id)
        if conversation is None or conversation.disposition is not None or conversation.took_up != self._line:
            log.info("line_left_behind", attempt_id=attempt.id, line=self._line)
            return None
        script = SCRIPT.validate_json(conversation.script)
        state, actions = step(script, from_json(conversation.state), heard)
        await conversations.write_down(tx.conn, attempt.id, tx.now, [*_heard_line(heard), *_said_lines(actions)])
        disposition: Disposition | None = None
        for action in actions:
            match action:
                case KeepAnswer():
                    await _keep(tx, attempt, script, action)
                case OptOut():
                    await _opt_out(tx, attempt)
                case End():
                    disposition = action.disposition
                case Say():
                    pass
                case _:
                    assert_never(action)
        await conversations.store_turn(tx.conn, attempt.id, to_json(state), disposition)
        return actions


def _heard_line(heard: Heard) -> list[tuple[str, str, str | None, str | None]]:
    match heard:
        case Speech(text):
            return [("candidate", storable(text), None, None)]
        case Key(digit):
            return [("candidate", f"[{digit}]", None, None)]
        case Connected() | Silence() | TimeUp():
            return []
        case _:
            assert_never(heard)


def _said_lines(actions: Sequence[Action]) -> list[tuple[str, str, str | None, str | None]]:
    return [("klara", action.text, action.wording, "not_known") for action in actions if isinstance(action, Say)]


async def _keep(tx: Transaction, attempt: Attempt, script: Script, answer: KeepAnswer) -> None:
    position, question = next((nth, one) for nth, one in enumerate(script.questions) if one.key == answer.key)
    await conversations.keep_answer(
        tx.conn,
        attempt.outreach_id,
        attempt.id,
        position=position,
        question=question,
        heard=answer.heard,
        meaning=answer.meaning,
        at=tx.now,
    )
    tx.note("question_answered", attempt.about, question=question.text, heard=answer.heard)


async def _opt_out(tx: Transaction, attempt: Attempt) -> None:
    await opt_outs.said_in_call(
        tx.conn, attempt.company_id, attempt.candidate_id, e164=attempt.e164, attempt_id=attempt.id, at=tx.now
    )
    tx.note("opted_out", attempt.about)
