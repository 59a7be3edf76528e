"""How one attempt ended, how an outreach ended, and the one table that leads from facts to words.

The words are those of the product page: *disposition* is ours for one attempt, *outcome* for the whole outreach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class AttemptState(StrEnum):
    """Where one outbound call stands. `claimed` may be claimed anew; from `placing` on the request may be out."""

    CLAIMED = "claimed"
    PLACING = "placing"
    UNCLEAR = "unclear"
    PLACED = "placed"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class OutreachState(StrEnum):
    """Where the effort to reach one candidate stands."""

    WAITING = "waiting"
    HELD = "held"
    CALLING = "calling"
    ENDED = "ended"


class Disposition(StrEnum):
    """How one attempt ended."""

    INTERVIEWED = "interviewed"
    APPOINTMENT_BOOKED = "appointment_booked"
    PARTLY_INTERVIEWED = "partly_interviewed"
    HUNG_UP = "hung_up"
    CALLBACK_REQUESTED = "callback_requested"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"
    HUMAN_REQUESTED = "human_requested"
    WRONG_PERSON = "wrong_person"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    INVALID_NUMBER = "invalid_number"
    TECHNICAL_FAILURE = "technical_failure"
    NOT_PLACED = "not_placed"
    CANCELLED = "cancelled"

    @property
    def counts(self) -> bool:
        """Whether the attempt is counted against the maximum and the daily numbers."""
        return self not in UNCOUNTED


UNCOUNTED = frozenset({Disposition.INVALID_NUMBER, Disposition.TECHNICAL_FAILURE, Disposition.NOT_PLACED})


class Outcome(StrEnum):
    """How an outreach ended."""

    COMPLETED = "completed"
    EXHAUSTED = "exhausted"
    UNFINISHED = "unfinished"
    REFUSED = "refused"
    HUMAN_REQUESTED = "human_requested"
    UNCALLABLE = "uncallable"
    WITHDRAWN = "withdrawn"


REACHED = frozenset(
    {
        Disposition.INTERVIEWED,
        Disposition.APPOINTMENT_BOOKED,
        Disposition.PARTLY_INTERVIEWED,
        Disposition.HUNG_UP,
        Disposition.CALLBACK_REQUESTED,
        Disposition.DECLINED,
        Disposition.OPTED_OUT,
        Disposition.HUMAN_REQUESTED,
    }
)


def is_reached(disposition: Disposition) -> bool:
    """Whether the candidate spoke with Klara, so that an outreach without result is `unfinished`, not `exhausted`."""
    return disposition in REACHED


@dataclass(frozen=True, slots=True)
class CallFacts:
    """All that is known of an attempt that has ended.

    `status` is the phone company's last word (`completed`, `busy`, `no-answer`, `failed`, `canceled`; None: it never
    said one), `answered_by` that of machine detection, `error_code` its code for a fault of the line or of ours.
    `conversation` is what the dialogue itself came to; `so_far` what one that just stopped amounts to if it was the
    person who stopped it, and `person_left` says that this is known. `answers` is how many questions were answered in
    this call.
    `placed` is false when it is settled that no call ever existed; `rejected` when the dial was refused for good;
    `invalid_number` when the phone company says that the number is not in service. `cancelled`: we called it off;
    `rang`: it had begun to ring. `conversed` is false when somebody picked up and we never began to speak.
    """

    status: str | None = None
    answered_by: str | None = None
    sip_code: int | None = None
    error_code: str | None = None
    conversation: Disposition | None = None
    so_far: Disposition | None = None
    person_left: bool = False
    person_spoke: bool = False
    answers: int = 0
    placed: bool = True
    rejected: bool = False
    invalid_number: bool = False
    cancelled: bool = False
    rang: bool = False
    conversed: bool = True


# RFC 3261, 21.4-21.6, and RFC 8197/8688 for 607 and 608: what the callee's side answered to a call that failed.
_REJECTED_BY_CALLEE = frozenset({603, 607, 608})
_BY_SIP_CODE = {
    **dict.fromkeys((486, 600), Disposition.BUSY),
    **dict.fromkeys((408, 480, 487, *_REJECTED_BY_CALLEE), Disposition.NO_ANSWER),
    **dict.fromkeys((404, 410, 484, 604), Disposition.INVALID_NUMBER),
}
_SAID_BY_A_MACHINE_TOO = frozenset({Disposition.NO_ANSWER, Disposition.HUNG_UP})
# What the dialogue comes to when nothing more is heard, which may be for want of a line.
_NOT_SAID = frozenset({Disposition.HUNG_UP, Disposition.PARTLY_INTERVIEWED})


def disposition_of(facts: CallFacts) -> Disposition:
    """The one row of the product page's table that a call belongs to; what a person said outranks any signal."""
    return _by_conversation(facts) or _if_never_placed(facts) or _by_status(facts)


def needs_to_know_who_left(facts: CallFacts) -> bool:
    """Whether the attempt ended otherwise if the person closed the line; nobody has said so yet."""
    return disposition_of(replace(facts, person_left=True)) is not disposition_of(facts)


def _by_conversation(facts: CallFacts) -> Disposition | None:
    came_to = facts.conversation or facts.so_far
    if facts.answers and came_to in _SAID_BY_A_MACHINE_TOO:
        came_to = Disposition.PARTLY_INTERVIEWED
    if _is_machine(facts) and came_to in (None, *_SAID_BY_A_MACHINE_TOO):
        return Disposition.VOICEMAIL
    return Disposition.TECHNICAL_FAILURE if came_to and _was_cut_short(facts, came_to) else came_to


def _is_machine(facts: CallFacts) -> bool:
    return facts.answered_by is not None and facts.answered_by.startswith(("machine", "fax"))


def _was_cut_short(facts: CallFacts, came_to: Disposition) -> bool:
    """Whether the talk amounts to this by a fault. What was said stands; an end that nobody spoke is looked at."""
    if facts.conversation is not None:
        return facts.error_code is not None and came_to in _NOT_SAID
    is_their_doing = facts.person_left and facts.error_code is None
    return not is_their_doing and came_to is not Disposition.INTERVIEWED


def _if_never_placed(facts: CallFacts) -> Disposition | None:
    if facts.invalid_number:
        return Disposition.INVALID_NUMBER
    if facts.rejected:
        return Disposition.TECHNICAL_FAILURE
    return None if facts.placed else Disposition.NOT_PLACED


def _by_status(facts: CallFacts) -> Disposition:
    match facts.status:
        case "completed":
            return _without_result(facts)
        case "busy" if facts.sip_code not in _REJECTED_BY_CALLEE:
            return Disposition.BUSY
        case "busy" | "no-answer":
            return Disposition.NO_ANSWER
        case "failed":
            return _BY_SIP_CODE.get(facts.sip_code or 0, Disposition.TECHNICAL_FAILURE)
        case _ if facts.status == "canceled" or facts.cancelled:
            return Disposition.CANCELLED if facts.rang else Disposition.NOT_PLACED
        case _:
            return Disposition.TECHNICAL_FAILURE


def _without_result(facts: CallFacts) -> Disposition:
    """Somebody or something answered, and nothing came of it. A fault of ours must not look like a hang-up."""
    if facts.error_code is not None or not facts.conversed or not facts.person_left:
        return Disposition.CANCELLED if facts.cancelled else Disposition.TECHNICAL_FAILURE
    return Disposition.HUNG_UP if facts.person_spoke else Disposition.NO_ANSWER
