"""The timeline in words: every event that the code notes has its sentence, in the company's own time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import klara_daemon
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.domain.telling import _SENTENCES, tell

BERLIN = ZoneInfo("Europe/Berlin")
PACKAGE = Path(klara_daemon.__file__).parent


def _noted_events() -> Iterator[str]:
    """The event names in all calls of `tx.note(event, ...)` and `_note(tx, outreach, event, ...)`."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="tx"), attr="note"), args=[event, *_]):
                    pass
                case ast.Call(func=ast.Name(id="_note"), args=[_, _, event, *_]):
                    pass
                case _:
                    continue
            for part in ast.walk(event):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_every_event_that_is_noted_has_a_sentence_and_every_sentence_an_event() -> None:
    noted = set(_noted_events())
    assert len(noted) > 10
    assert noted == set(_SENTENCES)


@pytest.mark.parametrize("disposition", list(Disposition))
def test_every_disposition_is_told_in_words(disposition: Disposition) -> None:
    told = tell("call_ended", {"disposition": disposition, "number": 2}, BERLIN)
    assert told.startswith("call 2 ended: ")
    assert "_" not in told
    assert told != f"call 2 ended: {disposition}"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_told_in_words(outcome: Outcome) -> None:
    told = tell("outreach_ended", {"outcome": outcome, "says": "The reason."}, BERLIN)
    assert told.endswith(" (The reason.)")
    assert "_" not in told


@pytest.mark.parametrize(
    ("due_at", "told"),
    [
        ("2026-09-07T07:03:00+00:00", "next call Mon 07 Sep 09:03: Why."),
        ("2026-10-25T00:30:00+00:00", "next call Sun 25 Oct 02:30: Why."),
        ("2026-10-26T08:00:00+00:00", "next call Mon 26 Oct 09:00: Why."),
        ("2026-12-31T23:30:00+00:00", "next call Fri 01 Jan 00:30: Why."),
    ],
)
def test_times_are_the_companys(due_at: str, told: str) -> None:
    assert tell("call_planned", {"due_at": due_at, "says": "Why."}, BERLIN) == told


def test_a_plan_without_a_reason_has_none() -> None:
    assert tell("call_planned", {"due_at": "2026-09-07T07:03:00+00:00", "says": ""}, BERLIN).endswith("09:03")


def test_an_answer_is_told_as_it_was_heard() -> None:
    told = tell("question_answered", {"question": "Wie viele?", "heard": "Zwölf {x} %s"}, BERLIN)
    assert told == "“Wie viele?” - “Zwölf {x} %s”"


def test_who_was_there_already_is_told_apart() -> None:
    assert "already" in tell("stage_entered", {"stage_id": 1, "already_there": True}, BERLIN)
    assert "already" not in tell("stage_entered", {"stage_id": 1, "already_there": False}, BERLIN)


@pytest.mark.parametrize("event", sorted(_SENTENCES))
def test_a_line_of_an_older_version_is_told_although_its_details_are_missing(event: str) -> None:
    if event != "call_planned":
        assert tell(event, {}, BERLIN)


def test_an_event_of_a_newer_version_is_told_by_its_name() -> None:
    assert tell("appointment_moved", {}, BERLIN) == "appointment moved"
