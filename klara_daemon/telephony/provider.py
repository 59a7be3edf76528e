"""What Klara needs from a phone company, in words that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class CallStatus(StrEnum):
    """The phone company's word for where a call stands (Twilio's vocabulary, which the field shares)."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in _FINAL


_FINAL = frozenset(
    {CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED}
)


@dataclass(frozen=True, slots=True)
class Dial:
    """One call to be placed: our attempt id, both numbers (E.164), the longest ring and talk in seconds."""

    attempt_id: str
    to: str
    caller: str
    ring_s: int = 25
    talk_s: int = 900


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call as the phone company tells it. `ref` is its id for the call; `created_at` is its clock, aware UTC."""

    ref: str
    status: CallStatus
    to: str
    caller: str
    created_at: datetime | None = None
    answered_by: str | None = None
    sip_code: int | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The phone company knows exactly one call that this attempt can be."""

    call: RemoteCall


@dataclass(frozen=True, slots=True)
class Absent:
    """No such call is listed (yet: the list is eventually consistent)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The phone company could not be asked, or its answer does not decide."""

    reason: str


Lookup = Found | Absent | Unknown


class Objection(StrEnum):
    """What the phone company has against a dial that it refuses."""

    ACCOUNT = "account"
    """Us: nobody may be called."""
    CALLER = "caller"
    """The number that is to be shown: nobody may be called from it."""
    PERMISSION = "permission"
    """Our account may not call this number, or its country: a setting at the phone company, not the number's fault."""
    NUMBER = "number"
    """The number that is to be called: it is none."""
    REQUEST = "request"
    """Something else: Klara's fault."""


class Rejected(Exception):
    """The phone company refused the dial for good; nothing rings. The objection says whose fault it is."""

    def __init__(self, code: str, message: str, objection: Objection = Objection.REQUEST) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.objection = objection


class NotSent(Exception):
    """The request was certainly never acted upon (no connection, or 429 "never processed"): nothing rings.

    `retry_after_s`: before that, no other call may be asked for either.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Uncertain(Exception):
    """The call may exist: time-out, 5xx, a broken or unreadable answer. Never dial again; ask (`find`)."""


class Provider(Protocol):
    """A phone company, for those who look after calls. `name` is stored with each attempt; `dialling` places calls."""

    name: str

    async def find(self, dial: Dial, since: datetime, taken: frozenset[str]) -> Lookup:
        """Look for the call of a dial whose answer was lost, made at `since`; refs in `taken` belong to others."""

    async def fetch(self, ref: str) -> RemoteCall | None:
        """How the call stands; None when the phone company does not know it, perhaps not yet. Raises `Uncertain`."""

    async def hangup(self, ref: str) -> None:
        """End the call, also while queued or ringing; harmless when it has ended. Raises `Uncertain`."""

    async def cancel(self, ref: str) -> None:
        """End the call unless somebody has answered it: both may speak by now. Raises `Uncertain`."""
