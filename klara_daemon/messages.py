"""Every message on the wire: typed, versioned, tolerant of fields it does not know.

A message is a hint that a row has changed: it carries ids only, never a person's data, and the row decides. A reader
learns a new version one release before a writer uses it.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound="Message")


class UnreadableMessage(ValueError):
    """The body is not a message that this version of the daemon knows."""


class Message(BaseModel):
    """What all messages share. `name` is the routing key; `version` grows when a field changes its meaning."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: ClassVar[str]
    version: ClassVar[int] = 1
    v: int = 1


class WebhookAccepted(Message):
    """Recruitee told us about a candidate (row in `webhook_events`)."""

    name = "webhook_accepted"
    event_id: int


class StayChanged(Message):
    """A placement entered or left a watched stage, or its numbers were corrected (row in `stays`)."""

    name = "stay_changed"
    stay_id: UUID


class PlaceCall(Message):
    """The outreach's call is due: place it if the rule still allows it."""

    name = "place_call"
    outreach_id: UUID


class CancelCall(Message):
    """The attempt's reason has gone: end it unless both already speak."""

    name = "cancel_call"
    attempt_id: UUID
    because: str


class CallProgressed(Message):
    """The phone company told how a call goes (rows in `call_events`)."""

    name = "call_progressed"
    attempt_id: UUID


class PlanOutreach(Message):
    """The outreach's next call is to be found anew: an attempt ended, or its call may not start now."""

    name = "plan_outreach"
    outreach_id: UUID


class OutreachEnded(Message):
    """Nobody will call any more; Recruitee is owed a note, and maybe a move (row in `writebacks`)."""

    name = "outreach_ended"
    outreach_id: UUID


def encode(message: Message) -> str:
    """The JSON body of a message."""
    return message.model_dump_json()


def decode(kind: type[M], body: bytes | str) -> M:
    """The message in a body; raises `UnreadableMessage` for what is not one, or is of a version not known here."""
    try:
        message = kind.model_validate_json(body)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:3])
        raise UnreadableMessage(f"not a {kind.name} message: {faults}") from None
    if message.v != kind.version:
        raise UnreadableMessage(f"{kind.name} of version {message.v}; this daemon reads version {kind.version}")
    return message
