"""One usual call, in both languages, and the scripts of whole conversations with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from klara_daemon.domain.dialogue.turns import (
    Action,
    Connected,
    End,
    Heard,
    KeepAnswer,
    Key,
    OptOut,
    Question,
    QuestionKind,
    Say,
    Script,
    Silence,
    Speech,
    TimeUp,
)

HANGS_UP = "<hangs up>"
JOB = "Pflegefachkraft (m/w/d)"
_QUESTIONS = {
    "de": (
        "Wie viele Jahre haben Sie in der Pflege gearbeitet?",
        "Haben Sie einen Führerschein?",
        "Ab wann können Sie anfangen?",
    ),
    "en": ("How many years have you worked in care?", "Do you have a driving licence?", "When could you start?"),
}
_WORDLESS: dict[str, Heard] = {"<silence>": Silence(), "<connected>": Connected(), "<time up>": TimeUp()}


def usual_call(language: str, name: str = "Anna Weber", job: str = JOB, answered: str = "") -> Script:
    """A call about a job in care: two required questions and one that may be skipped."""
    experience, licence, start = _QUESTIONS[language]
    questions = (
        Question("experience", experience, QuestionKind.NUMBER),
        Question("licence", licence, QuestionKind.YES_NO),
        Question("start", start, QuestionKind.TEXT, required=False),
    )
    return Script(language, "Beispiel GmbH", name, job, questions, frozenset(answered.split()))


@dataclass
class Conversation:
    """A written conversation: what differs from the usual call, and its lines: who, and what."""

    title: str
    language: str
    differs: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def script(self) -> Script:
        """What this call knows."""
        return usual_call(self.language, **self.differs)


def conversations(language: str) -> Iterator[Conversation]:
    """The written conversations of a language."""
    text = (Path(__file__).parent / "conversations" / f"{language}.txt").read_text(encoding="utf-8")
    for part in text.split("\n== ")[1:]:
        title, *lines = [line for line in part.splitlines() if line.strip() and not line.startswith("#")]
        conversation = Conversation(title, language)
        for line in lines:
            who, what = re.split(r": ?| ", line, maxsplit=1)
            if who in {"name", "job", "answered"}:
                conversation.differs[who] = what
            else:
                conversation.lines.append((who, what))
        yield conversation


def heard(what: str) -> Heard:
    """What a C: line stands for."""
    if key := re.fullmatch(r"<key (.)>", what):
        return Key(key[1])
    return _WORDLESS.get(what) or Speech(what)


def written(action: Action) -> tuple[str, str]:
    """An action as the line that stands for it."""
    match action:
        case Say():
            return "K", action.text
        case KeepAnswer():
            meaning = "" if action.meaning is None else f" ({action.meaning})"
            return "=", f"{action.key}: {action.heard}{meaning}"
        case OptOut():
            return "=", "opt out"
        case End():
            return "=", f"end: {action.disposition}"
