"""What Twilio tells us by asking our addresses, pure: each callback as one small event, tolerant of what is missing.

Sources: Twilio's "Call resource" (status callbacks), "Answering machine detection", "TwiML Voice: <ConversationRelay>".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from klara_daemon.telephony.provider import CallStatus
from klara_daemon.telephony.twilio.addresses import Params
from klara_daemon.telephony.twilio.fields import Malformed, instant_of, number_of, sid_of, status_of


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A step in a call's life. Steps arrive in any order, twice, or never; `sequence` is Twilio's own order."""

    attempt_id: str | None
    ref: str
    status: CallStatus
    sequence: int | None = None
    sip_code: int | None = None
    duration_s: int | None = None
    error_code: str | None = None
    at: datetime | None = None
    answered_by: str | None = None

    @property
    def dedup_key(self) -> str:
        """Equal for the same step told twice."""
        return f"{self.ref}:{self.status}:{'' if self.sequence is None else self.sequence}"


@dataclass(frozen=True, slots=True)
class MachineEvent:
    """The verdict of machine detection: `human`, `machine_start`, `fax`, `unknown`, ..."""

    attempt_id: str | None
    ref: str
    answered_by: str

    @property
    def dedup_key(self) -> str:
        """Equal for the same verdict told twice."""
        return f"{self.ref}:machine:{self.answered_by}"

    @property
    def is_machine(self) -> bool:
        """Whether nobody is there. `unknown` counts as a person: better to greet a machine than to cut one off."""
        return self.answered_by.startswith("machine") or self.answered_by == "fax"


@dataclass(frozen=True, slots=True)
class RelayEnded:
    """The relay has given the call back. `resumed` counts how often the line was already taken up again."""

    attempt_id: str | None
    ref: str
    session_id: str | None
    session_status: str
    call_status: CallStatus | None
    handoff: str | None = None
    error_code: str | None = None
    resumed: int = 0

    @property
    def broke_off(self) -> bool:
        """Whether our socket failed while the person is still on the line, so that the call can go on."""
        return self.session_status == "failed" and not self._call_is_over

    @property
    def is_lost(self) -> bool:
        """Whether our socket failed and the call is over as well: what came first is not known."""
        return self.session_status == "failed" and self._call_is_over

    @property
    def person_left(self) -> bool:
        """Whether the person hung up."""
        return self.session_status == "completed"

    @property
    def _call_is_over(self) -> bool:
        return self.call_status is not None and self.call_status.is_final


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """Somebody (or something) has picked up and Twilio asks what to do; also asked of the fallback address."""

    attempt_id: str | None
    ref: str
    to: str
    caller: str
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class InboundCall:
    """Somebody rings one of our numbers (`to`)."""

    ref: str
    from_number: str
    to: str


def status_event(query: Mapping[str, str], form: Params) -> StatusEvent:
    """A status callback. Raises `Malformed`."""
    fields = dict(form)
    return StatusEvent(
        attempt_id=_attempt(query),
        ref=sid_of(fields.get("CallSid")),
        status=status_of(fields.get("CallStatus")),
        sequence=number_of(fields.get("SequenceNumber")),
        sip_code=number_of(fields.get("SipResponseCode")),
        duration_s=number_of(fields.get("CallDuration")),
        error_code=fields.get("ErrorCode") or None,
        at=instant_of(fields.get("Timestamp")),
        answered_by=fields.get("AnsweredBy") or None,
    )


def machine_event(query: Mapping[str, str], form: Params) -> MachineEvent:
    """A callback of the asynchronous machine detection. Raises `Malformed`."""
    fields = dict(form)
    return MachineEvent(_attempt(query), sid_of(fields.get("CallSid")), fields.get("AnsweredBy") or "unknown")


def relay_ended(query: Mapping[str, str], form: Params) -> RelayEnded:
    """What `<Connect action>` is asked with. Raises `Malformed`."""
    fields = dict(form)
    status = fields.get("CallStatus")
    return RelayEnded(
        attempt_id=_attempt(query),
        ref=sid_of(fields.get("CallSid")),
        session_id=fields.get("SessionId") or None,
        session_status=fields.get("SessionStatus") or "failed",
        call_status=CallStatus(status) if status in set(CallStatus) else None,
        handoff=fields.get("HandoffData") or None,
        error_code=fields.get("ErrorCode") or None,
        resumed=number_of(query.get("resumed")) or 0,
    )


def answer_request(query: Mapping[str, str], form: Params) -> AnswerRequest:
    """What the answer and the fallback address are asked with. Raises `Malformed`."""
    fields = dict(form)
    return AnswerRequest(
        attempt_id=_attempt(query),
        ref=sid_of(fields.get("CallSid")),
        to=fields.get("To", ""),
        caller=fields.get("From", ""),
        error_code=fields.get("ErrorCode") or None,
    )


def inbound_call(form: Params) -> InboundCall:
    """Somebody rings our number. Raises `Malformed`."""
    fields = dict(form)
    return InboundCall(sid_of(fields.get("CallSid")), from_number=fields.get("From", ""), to=fields.get("To", ""))


def _attempt(query: Mapping[str, str]) -> str | None:
    if not (attempt := query.get("attempt")):
        return None
    try:
        return str(UUID(attempt))
    except ValueError as error:
        raise Malformed("`attempt` is not a UUID") from error
