"""How one attempt ended, how an outreach ended, and the one table that leads from facts to words.

The words are those of the product page: *disposition* is ours for one attempt, *outcome* for the whole outreach.
"""

from __future__ import annotations

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
    """Whether the attempt reached the candidate, so that the outreach is not `exhausted` but `unfinished`."""
    return disposition in REACHED
