"""What news of a call does to its attempt, whoever brings it: a callback, or the phone company's answer when asked."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from klara_daemon import metrics
from klara_daemon.domain.call_progress import FINAL, advance
from klara_daemon.domain.dialogue.machine import came_to, from_json
from klara_daemon.domain.dispositions import (
    AttemptState,
    CallFacts,
    Disposition,
    disposition_of,
    needs_to_know_who_left,
)
from klara_daemon.messages import PlanOutreach
from klara_daemon.store import calls, conversations
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Transaction

MACHINE = "machine"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class News:
    """What the phone company says about a call: its status, and for one that ended the codes of the line."""

    call_status: str
    sip_code: int | None = None
    error_code: str | None = None


async def apply_news(tx: Transaction, attempt: Attempt, news: News, *, can_wait: bool = False) -> bool:
    """Bring a locked attempt up to date. Late, doubled and reordered news change nothing.

    False when the news `can_wait` and has to: the talk is over, and whose doing that is has not been said yet.
    """
    if attempt.state is AttemptState.ENDED:
        return True
    if news.call_status in FINAL:
        facts = await _facts(tx, attempt, news)
        if can_wait and needs_to_know_who_left(facts):
            return False
        await end_attempt(tx, attempt, disposition_of(facts), news)
        return True
    await _go_on(tx, attempt, news)
    return True


async def _go_on(tx: Transaction, attempt: Attempt, news: News) -> None:
    state = advance(attempt.state, news.call_status)
    if state is not attempt.state:
        await calls.go_on(tx.conn, attempt.id, state, news.call_status, tx.now)
        if state in (AttemptState.RINGING, AttemptState.TALKING):
            tx.note("call_rang" if state is AttemptState.RINGING else "call_answered", attempt.about)


async def machine_told(tx: Transaction, attempt: Attempt, answered_by: str) -> None:
    """Hang up on a mailbox or a fax, unless a person has spoken: machine detection errs, a voice does not."""
    if attempt.state is AttemptState.ENDED:
        return
    conversation = await conversations.lock(tx.conn, attempt.id)
    if conversation is not None and from_json(conversation.state).person_confirmed:
        return
    await calls.machine_told(tx.conn, attempt.id, answered_by)
    if answered_by.startswith(("machine", "fax")):
        await calls.want_hang_up(tx.conn, attempt.id, MACHINE)
        tx.ring("hang_ups")


async def end_attempt(
    tx: Transaction, attempt: Attempt, disposition: Disposition, news: News | None = None, error_code: str | None = None
) -> None:
    """The attempt is over: say how, and have its outreach planned."""
    await calls.end(
        tx.conn,
        attempt.id,
        disposition,
        tx.now,
        call_status=news.call_status if news else None,
        sip_code=news.sip_code if news else None,
        error_code=error_code or (news.error_code if news else None),
    )
    metrics.ATTEMPTS_ENDED.labels(disposition).inc()
    tx.note("call_ended", attempt.about, disposition=disposition, number=attempt.number)
    tx.send(PlanOutreach(outreach_id=attempt.outreach_id))
    if disposition is Disposition.TECHNICAL_FAILURE:
        tx.ring("call_failed")
    log.info("call_ended", attempt_id=attempt.id, outreach_id=attempt.outreach_id, disposition=disposition)


async def _facts(tx: Transaction, attempt: Attempt, news: News) -> CallFacts:
    conversation = await conversations.lock(tx.conn, attempt.id)
    state = from_json(conversation.state) if conversation else None
    fault = conversation.fault if conversation else None
    return CallFacts(
        status=news.call_status,
        answered_by=attempt.answered_by,
        sip_code=news.sip_code or attempt.sip_code,
        error_code=news.error_code or attempt.error_code or fault,
        conversation=conversation.disposition if conversation else None,
        so_far=came_to(state) if state else None,
        person_left=conversation.person_left if conversation else False,
        person_spoke=state.person_spoke if state else False,
        answers=await conversations.answers_of_call(tx.conn, attempt.id),
        cancelled=attempt.hang_up_because is not None,
        rang=attempt.ringing_at is not None,
        conversed=conversation is not None,
    )
