"""What goes into a turn of the conversation and what comes out: the words that the dialogue shares with the line."""

from __future__ import annotations

from dataclasses import dataclass
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


class Phase(StrEnum):
    """Where the conversation stands."""

    CONNECTING = "connecting"
    PERSON = "person"
    WHOSE_NUMBER = "whose_number"
    FETCHING = "fetching"
    GOOD_TIME = "good_time"
    ASKING = "asking"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class State:
    """Where the conversation stands: small, versioned, stored after every turn (`to_json`, `from_json`).

    `question` is the key of the open question, `answered` the keys of those answered in this call, `complete` whether
    all required ones are. `unclear` counts what was not understood since the last thing asked, `stalled` the turns that
    led nowhere, `patience` the silences still to be let pass, `typed` holds the digits pressed so far. Once there is a
    `disposition`, the conversation has ended and nothing follows.
    """

    phase: Phase = Phase.CONNECTING
    question: str | None = None
    silences: int = 0
    patience: int = 0
    unclear: int = 0
    stalled: int = 0
    typed: str = ""
    person_spoke: bool = False
    somebody_else: bool = False
    person_confirmed: bool = False
    answered: tuple[str, ...] = ()
    complete: bool = False
    disposition: Disposition | None = None
    version: int = 1
