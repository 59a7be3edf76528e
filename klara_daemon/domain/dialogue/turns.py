"""What goes into a turn of the conversation and what comes out of it: the words that the dialogue shares with the line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from klara_daemon.domain.dispositions import Disposition


class QuestionKind(StrEnum):
    """What sort of answer a question expects."""

    TEXT = "text"
    YES_NO = "yes_no"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Question:
    """One Application Question, in the recruiter's own words."""

    key: str
    text: str
    kind: QuestionKind = QuestionKind.TEXT
    required: bool = True


@dataclass(frozen=True, slots=True)
class Script:
    """All that one call needs to know. `answered` are the keys of questions that an earlier call has settled."""

    language: str
    company: str
    candidate: str
    job: str
    questions: tuple[Question, ...]
    answered: frozenset[str] = frozenset()


# What is heard


@dataclass(frozen=True, slots=True)
class Connected:
    """The line stands; also after a broken line was taken up again within the same call."""


@dataclass(frozen=True, slots=True)
class Speech:
    """One finished utterance, as the phone company's recogniser wrote it down."""

    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key pressed: 0-9, `*` or `#`."""

    digit: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was heard for as long as we wait for an answer."""


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The longest time that a call may last is nearly over."""


Heard = Connected | Speech | Key | Silence | TimeUp

# What follows


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text`. `wording` is the key and version of the catalogue's sentence (kept as evidence)."""

    text: str
    wording: str
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """Store what was answered: the words as heard, and their meaning where the kind has one (`"7"`, `"yes"`)."""

    key: str
    heard: str
    meaning: str | None


@dataclass(frozen=True, slots=True)
class OptOut:
    """Never call this person again, for the whole company, from this moment."""


@dataclass(frozen=True, slots=True)
class End:
    """Hang up once what was said has been played; `disposition` is what the conversation itself came to."""

    disposition: Disposition


Action = Say | KeepAnswer | OptOut | End


@dataclass(frozen=True, slots=True)
class State:
    """Where the conversation stands: small, versioned, stored after every turn (`to_json`, `from_json`)."""

    phase: str = "opening"
    question: int = 0
    silences: int = 0
    asked_again: bool = False
    person_spoke: bool = False
    person_confirmed: bool = False
    answered: tuple[str, ...] = field(default=())
    disposition: Disposition | None = None
    version: int = 1
