"""What the small telephone network remembers of each call: the oracle that tests and the demo's page read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from klara_daemon.telephony.provider import CallStatus


@dataclass(frozen=True, slots=True)
class Spoken:
    """One thing that was said on the line; `by` is `klara` or `person`."""

    by: str
    text: str
    at: datetime


@dataclass(slots=True, eq=False)
class CallRecord:
    """One call from its creation to its end. Instants by the network's own clock."""

    sid: str
    to: str
    caller: str
    direction: str
    created_at: datetime
    attempt_id: str | None = None
    status: CallStatus = CallStatus.QUEUED
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str | None = None
    sip_code: int | None = None
    ended_by: str | None = None
    transcript: list[Spoken] = field(default_factory=list)
    sessions: int = 0
    turns: int = 0
    handoff: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the call is queued, rings, or is being spoken."""
        return not self.status.is_final

    def said(self, by: str) -> list[str]:
        """What one side said, in order."""
        return [spoken.text for spoken in self.transcript if spoken.by == by]

    def as_json(self, account_sid: str) -> dict[str, object]:
        """The call as Twilio's REST API tells it."""
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "to": self.to,
            "from": self.caller,
            "direction": self.direction,
            "status": str(self.status),
            "date_created": format_datetime(self.created_at),
            "start_time": format_datetime(self.answered_at) if self.answered_at else None,
            "end_time": format_datetime(self.ended_at) if self.ended_at else None,
            "duration": str(self.duration_s) if self.ended_at else None,
            "answered_by": self.answered_by,
            "parent_call_sid": None,
            "uri": f"/2010-04-01/Accounts/{account_sid}/Calls/{self.sid}.json",
        }

    @property
    def duration_s(self) -> int:
        """How long was spoken, in seconds."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(0, round((self.ended_at - self.answered_at).total_seconds()))
