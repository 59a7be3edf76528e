"""The people (and machines) whom the small telephone network reaches, and how each of them takes one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Press:
    """A key is pressed instead of an answer given."""

    digit: str


class HangUp(Enum):
    """The person puts the phone down."""

    NOW = "now"


Reply = str | Press | HangUp | None
"""What follows on what was heard; None: says nothing."""

Replies = Callable[[str], Reply] | Sequence[Reply]
"""Replies by what was heard, or in order, one for each time that Klara has finished speaking."""


def reply_to(replies: Replies, turn: int, heard: str) -> Reply:
    """What is said in this turn (from 0); after the last of a sequence nothing is."""
    if callable(replies):
        return replies(heard)
    return replies[turn] if turn < len(replies) else None


@dataclass(frozen=True, slots=True)
class Answers:
    """Picks up and answers."""

    replies: Replies
    rings_s: float = 4


@dataclass(frozen=True, slots=True)
class HangsUpAfter:
    """Picks up, answers so many times, and hangs up when it is asked the next thing."""

    answers: int
    replies: Replies
    rings_s: float = 4


@dataclass(frozen=True, slots=True)
class Silent:
    """Picks up and says nothing."""

    rings_s: float = 4


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A mailbox picks up, says its greeting and listens."""

    greeting: str = "Der gewünschte Gesprächspartner ist nicht erreichbar. Bitte sprechen Sie nach dem Ton."
    rings_s: float = 15


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Rings out; or the call is declined, with SIP code 603."""

    sip_code: int = 487


@dataclass(frozen=True, slots=True)
class Busy:
    """The line is engaged."""


@dataclass(frozen=True, slots=True)
class NotInService:
    """No such number: refused at once by the API, or only when it is dialled."""

    refused_at_once: bool = True


@dataclass(frozen=True, slots=True)
class Fails:
    """The network cannot put the call through."""

    sip_code: int = 503


PicksUp = Answers | HangsUpAfter | Silent | Voicemail
Behaviour = PicksUp | NoAnswer | Busy | NotInService | Fails


def spoken_by(behaviour: PicksUp, turn: int, heard: str) -> Reply:
    """What is said on the line in this turn (from 0) after `heard`."""
    match behaviour:
        case Answers(replies=replies):
            return reply_to(replies, turn, heard)
        case HangsUpAfter(answers=answers, replies=replies):
            return HangUp.NOW if turn >= answers else reply_to(replies, turn, heard)
        case Silent():
            return None
        case Voicemail(greeting=greeting):
            return greeting if turn == 0 else None
