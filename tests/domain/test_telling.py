"""The timeline in words: every event that the code notes has its words, in the company's own time and in no locale."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import klara_daemon
from klara_daemon.domain import lines
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.domain.stays import Leaving
from klara_daemon.domain.telling import _POSTPONED, _TOLD, day_of, moment_of, tell, why

BERLIN = ZoneInfo("Europe/Berlin")
PACKAGE = Path(klara_daemon.__file__).parent


def _calls() -> Iterator[ast.Call]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _noted_events() -> Iterator[str]:
    """The event names in all calls of `tx.note(event, ...)` and `_note(tx, outreach, event, ...)`."""
    for call in _calls():
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="tx"), attr="note"), args=[event, *_]):
                yield from _texts(event)
            case ast.Call(func=ast.Name(id="_note"), args=[_, _, event, *_]):
                yield from _texts(event)
            case _:
                pass


def _reasons_to_postpone() -> Iterator[str]:
    """The codes in all `Later(seconds, code)`, and those of the rules of the lines, which the gate hands on."""
    yield from re.findall(r'RuleSays\(\s*"(\w+)"', Path(lines.__file__).read_text("utf-8"))
    for call in _calls():
        match call:
            case ast.Call(func=ast.Name(id="Later"), args=[_, because]):
                yield from _texts(because)
            case _:
                pass


def test_every_event_that_is_noted_has_its_words_and_all_words_an_event() -> None:
    noted = set(_noted_events())
    assert len(noted) > 10
    assert noted == set(_TOLD)


def test_every_reason_to_postpone_a_call_has_its_words() -> None:
    assert set(_reasons_to_postpone()) == set(_POSTPONED)
    assert tell("dial_postponed", {}, BERLIN, "trunk_full") == "the call waits: every line is in use"


@pytest.mark.parametrize("disposition", list(Disposition))
def test_every_disposition_is_told_in_words(disposition: Disposition) -> None:
    told = tell("call_ended", {"disposition": disposition, "number": 2}, BERLIN)
    assert told.startswith("call 2: ")
    assert told.removeprefix("call 2: ") not in {disposition, disposition.replace("_", " ")} - {"no answer"}
    assert "_" not in told


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_told_in_words(outcome: Outcome) -> None:
    told = tell("outreach_ended", {"outcome": outcome}, BERLIN)
    assert ": " in told
    assert "_" not in told


@pytest.mark.parametrize("because", list(Leaving))
def test_every_reason_to_leave_is_told_in_words(because: Leaving) -> None:
    told = tell("stage_left", {}, BERLIN, because)
    assert told != tell("stage_left", {}, BERLIN)
    assert "_" not in told


@pytest.mark.parametrize(
    ("due_at", "told"),
    [
        ("2026-09-07T07:03:00+00:00", "next call: Monday 7 September, 09:03"),
        ("2026-10-25T00:30:00+00:00", "next call: Sunday 25 October, 02:30"),
        ("2026-10-25T01:30:00+00:00", "next call: Sunday 25 October, 02:30"),
        ("2026-10-26T08:00:00+00:00", "next call: Monday 26 October, 09:00"),
        ("2026-12-31T23:30:00+00:00", "next call: Friday 1 January, 00:30"),
    ],
)
def test_times_are_the_companys(due_at: str, told: str) -> None:
    assert tell("call_planned", {"due_at": due_at}, BERLIN) == told


def test_days_are_named_in_english_whatever_the_machine_speaks() -> None:
    days = [date(2026, 1, 1) + timedelta(days=nth) for nth in range(365)]
    assert [day_of(day) for day in days] == [f"{day:%A} {day.day} {day:%B}" for day in days]
    script = (
        "import locale, datetime\n"
        "from klara_daemon.domain.telling import moment_of\n"
        "for name in ('de_DE.UTF-8', 'fr_FR.UTF-8', 'C'):\n"
        "    try: locale.setlocale(locale.LC_ALL, name)\n"
        "    except locale.Error: continue\n"
        "    print(moment_of(datetime.datetime(2026, 9, 8, 9, 0)))\n"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert set(printed.splitlines()) == {"Tuesday 8 September, 09:00"}
    assert moment_of(datetime(2026, 3, 1, 0, 5, tzinfo=BERLIN)) == "Sunday 1 March, 00:05"


def test_the_reason_stands_apart() -> None:
    details = {"due_at": "2026-09-07T07:03:00+00:00", "says": "The pause after the last call."}
    assert "pause" not in tell("call_planned", details, BERLIN)
    assert why(details) == "The pause after the last call."
    assert (why({}), why({"says": None}), why({"says": ""})) == ("", "", "")


def test_an_answer_is_told_as_it_was_heard() -> None:
    told = tell("question_answered", {"question": "Wie viele?", "heard": "Zwölf {x} %s"}, BERLIN)
    assert told == "asked “Wie viele?”, says “Zwölf {x} %s”"


def test_a_stage_has_its_name_where_that_is_known() -> None:
    assert tell("stage_entered", {"stage_id": 1}, BERLIN) == "was moved to the watched stage"
    named = {"stage_id": 1, "stage": "Telefon", "from_stage": "Beworben"}
    assert tell("stage_entered", named, BERLIN) == "was moved from “Beworben” to “Telefon”"
    assert tell("candidate_moved", {"stage": "Gespräch"}, BERLIN) == "was moved on to “Gespräch” by Klara"


def test_who_was_there_already_is_told_apart() -> None:
    assert "already" in tell("stage_entered", {"stage_id": 1, "already_there": True}, BERLIN)
    assert "already" not in tell("stage_entered", {"stage_id": 1, "already_there": False}, BERLIN)
    late = {"stage": "Telefon", "already_there": True, "named_at": "2026-09-07T07:00:00+00:00"}
    assert tell("stage_entered", late, BERLIN) == (
        "stood in “Telefon” when it could first be looked at; the settings named it on Monday 7 September, 09:00"
    )


@pytest.mark.parametrize("event", sorted(_TOLD))
def test_a_line_of_an_older_version_is_told_although_its_details_are_missing(event: str) -> None:
    told = tell(event, {}, BERLIN)
    assert told.strip() == told
    assert "None" not in told


def test_what_a_newer_version_has_written_is_told_by_its_name() -> None:
    assert tell("appointment_moved", {}, BERLIN) == "appointment moved"
    assert tell("call_ended", {"disposition": "taken_over", "number": 1}, BERLIN) == "call 1: taken over"
    assert tell("outreach_ended", {"outcome": "handed_on"}, BERLIN) == "handed on"
    assert tell("dial_postponed", {}, BERLIN, "moon_full") == "the call cannot start yet, and waits"
