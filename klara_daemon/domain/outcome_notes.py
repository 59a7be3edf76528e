"""The note that stands in Recruitee when an outreach has ended: the outcome, questions and answers, the calls.

Written in the company's language, with the words of the catalogue. It holds no telephone number in full, and its last
line is the marker by which a note that is already there is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from klara_daemon.domain.dialogue.catalogue import NoteWords, catalogue
from klara_daemon.domain.dialogue.speakable import one_line
from klara_daemon.domain.dialogue.turns import QuestionKind
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.domain.local_time import is_known_zone

LONGEST_NOTE: Final = 8_000
"""Characters, line ends and marker included (the vendor's limit is not documented)."""

_ENTRY_LENGTHS: Final = (2_000, 1_000, 500, 250, 120, 60, 30)
_LATEST_CALLS: Final = 20
_DIGITS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A question in the wording in which it was asked, and the answer as heard; None where there is none."""

    question: str
    heard: str | None = None
    meaning: str | None = None
    kind: QuestionKind = QuestionKind.TEXT


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt: when it was placed (aware), how it ended, seconds of talk where known, the number it went to."""

    placed_at: datetime
    disposition: Disposition
    talk_s: int | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class NoteFacts:
    """What the note tells. `ref` is the outreach; `time_zone` the company's, an IANA name; attempts in any order."""

    ref: UUID
    language: str
    time_zone: str
    outcome: Outcome
    job: str = ""
    questions: tuple[AnsweredQuestion, ...] = ()
    attempts: tuple[AttemptLine, ...] = ()


def marker(ref: UUID) -> str:
    """The line by which the note of an outreach is recognised."""
    return f"Klara-Ref: {ref}"


def note_lines(facts: NoteFacts) -> tuple[str, ...]:
    """The note, line by line; at most `LONGEST_NOTE` characters, long answers shortened first, the marker always there.

    Where the zone is not known, it tells the times of the calls in UTC, and says so.
    """
    words, sign = catalogue(facts.language).note, marker(facts.ref)
    calls = [*_calls(facts, words), sign]
    interview: list[str] = []
    room = LONGEST_NOTE - sum(len(line) + 1 for line in calls)
    for longest in _ENTRY_LENGTHS:
        interview = list(_interview(facts, words, longest))
        if sum(len(line) + 1 for line in interview) <= room:
            return (*interview, *calls)
    return (*_as_far_as_it_goes(interview, words, room), *calls)


def _interview(facts: NoteFacts, words: NoteWords, longest: int) -> Iterator[str]:
    job = _shortened(facts.job, longest)
    yield words.says("title", job=job) if job else words.says("title_without_job")
    yield words.says("outcome", outcome=words.outcomes[facts.outcome])
    if facts.questions:
        yield words.says("questions")
    for nth, one in enumerate(facts.questions, start=1):
        yield words.says("question", nth=nth, question=_shortened(one.question, longest)).strip()
        yield _answer(one, words, longest)


def _answer(one: AnsweredQuestion, words: NoteWords, longest: int) -> str:
    heard = _shortened(one.heard or "", longest)
    if not heard:
        return words.says("unanswered")
    if one.meaning is None:
        return words.says("answer" if one.kind is QuestionKind.TEXT else "answer_unclear", heard=heard)
    meaning = words.meanings.get(one.meaning, _shortened(one.meaning, longest))
    return words.says("answer_understood", heard=heard, meaning=meaning)


def _calls(facts: NoteFacts, words: NoteWords) -> Iterator[str]:
    zone = ZoneInfo(facts.time_zone if is_known_zone(facts.time_zone) else "UTC")
    attempts = sorted(facts.attempts, key=lambda attempt: attempt.placed_at)
    earlier = max(0, len(attempts) - _LATEST_CALLS)
    if attempts:
        yield words.says("calls", zone=zone.key)
    if earlier:
        yield words.says("earlier_calls", count=earlier)
    for nth, attempt in enumerate(attempts[earlier:], start=earlier + 1):
        line = words.says(
            "call", nth=nth, at=attempt.placed_at.astimezone(zone), disposition=words.dispositions[attempt.disposition]
        )
        yield line + _details(attempt, words)


def _details(attempt: AttemptLine, words: NoteWords) -> str:
    details = []
    if attempt.talk_s is not None:
        minutes, seconds = divmod(max(0, attempt.talk_s), 60)
        details.append(words.says("talked", minutes=minutes, seconds=seconds))
    if attempt.number and len(attempt.number) > _DIGITS_SHOWN:
        details.append(words.says("number", ending=attempt.number[-_DIGITS_SHOWN:]))
    return "".join(f", {detail}" for detail in details)


def _as_far_as_it_goes(lines: list[str], words: NoteWords, room: int) -> Iterator[str]:
    cut = words.says("cut")
    room -= len(cut) + 1
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        yield line
    yield cut


def _shortened(text: str, longest: int) -> str:
    line = one_line(text[: 2 * longest])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
