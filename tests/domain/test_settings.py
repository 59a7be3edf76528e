"""The settings document: what it means, what it refuses, and that every fault is named by its path."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.call_settings import Weekday
from klara_daemon.domain.dialogue.turns import QuestionKind
from klara_daemon.domain.settings import LONGEST_DOCUMENT, BadSettings, Mode, MoveWhen, parse, to_json
from tests.domain.changed_documents import ABSENT
from tests.domain.settings_documents import EXAMPLE, changed, documents


def faults(text: str) -> dict[str, str]:
    with pytest.raises(BadSettings) as bad:
        parse(text)
    return {fault.path: fault.says for fault in bad.value.faults}


def test_the_documented_example_is_read_as_it_stands() -> None:
    document = parse(json.dumps(EXAMPLE))

    assert document.company.recruitee_company_id == 89564
    assert document.calling.weekdays == tuple(Weekday)
    assert [(window.opens, window.closes) for window in document.calling.windows] == [(540, 720), (840, 1080)]
    assert document.calling.closed_days == (date(2026, 12, 24),)
    assert [question.kind for question in document.question_sets["care"].questions] == [
        QuestionKind.NUMBER,
        QuestionKind.TEXT,
    ]
    (stage,) = document.watched_stages
    assert (stage.mode, stage.target, stage.move_when) == (Mode.INTERVIEW, 8063177, MoveWhen.COMPLETED)


def test_what_is_optional_has_its_default() -> None:
    absent = [
        "company.subdivision",
        "calling.pause_minutes",
        "calling.first_call_delay_minutes",
        "calling.max_per_30_days",
        "calling.observe_public_holidays",
        "calling.closed_days",
        "question_sets.care.questions.1.kind",
        "watched_stages.0.target",
        "watched_stages.0.move_when",
        "watched_stages.0.call_those_already_there",
        "hosts",
    ]
    document = parse(changed(*((path, ABSENT) for path in absent)))

    calling, (stage,) = document.calling, document.watched_stages
    assert document.company.subdivision is None
    assert (calling.pause_minutes, calling.first_call_delay_minutes, calling.max_per_30_days) == (180, 3, 10)
    assert calling.observe_public_holidays
    assert calling.closed_days == ()
    assert document.question_sets["care"].questions[1].kind == QuestionKind.TEXT
    assert document.question_sets["care"].questions[1].required
    assert (stage.target, stage.move_when, stage.call_those_already_there) == ("next", MoveWhen.COMPLETED, False)
    assert document.hosts == {}


def test_a_company_may_watch_nothing_and_ask_nothing() -> None:
    document = parse(changed(("question_sets", ABSENT), ("watched_stages", ABSENT), ("hosts", ABSENT)))

    assert document.question_sets == {}
    assert document.watched_stages == ()


@pytest.mark.parametrize(
    "path",
    [
        "company",
        "company.recruitee_company_id",
        "company.name",
        "company.time_zone",
        "company.country",
        "company.language",
        "company.caller_number",
        "calling",
        "calling.max_attempts",
        "calling.attempts_per_day",
        "calling.weekdays",
        "calling.windows",
        "calling.windows.1.from",
        "calling.windows.1.to",
        "question_sets.care.language",
        "question_sets.care.questions",
        "question_sets.care.questions.0.key",
        "question_sets.care.questions.0.text",
        "watched_stages.0.offer_id",
        "watched_stages.0.stage_id",
        "watched_stages.0.mode",
    ],
)
def test_what_is_needed_is_missed_by_name(path: str) -> None:
    named = path.replace(".0", "[0]").replace(".1", "[1]")

    assert faults(changed((path, ABSENT))) == {named: "is missing"}


def test_an_interview_needs_questions() -> None:
    found = faults(changed(("watched_stages.0.question_set", ABSENT)))

    assert found == {"watched_stages[0].question_set": "is missing: interview mode asks the questions of a set"}


BAD_VALUES: list[tuple[str, object, str]] = [
    ("company.recruitee_company_id", "89564", "whole number"),
    ("company.recruitee_company_id", 0, "1 or more"),
    ("company.recruitee_company_id", 10**12, "999999999999 or less"),
    ("company.recruitee_company_id", True, "whole number"),
    ("company.name", " ", "blank"),
    ("company.name", "x" * 201, "at most 200"),
    ("company.name", "a\0b", "control characters"),
    ("company.name", 5, "text"),
    ("company.time_zone", "Foo5", "Europe/Berlin"),
    ("company.time_zone", "europe/berlin", "exact name"),
    ("company.time_zone", "../../etc/passwd", "exact name"),
    ("company.time_zone", "Factory", "exact name"),
    ("company.country", "de", "two capital letters"),
    ("company.country", "XX", "public holidays are known"),
    ("company.country", "DEU", "two capital letters"),
    ("company.subdivision", "XX", "part of DE"),
    ("company.subdivision", "", "part of DE"),
    ("company.language", "tlh", "speaks"),
    ("company.caller_number", "052112345670", "valid phone number"),
    ("company.caller_number", "+49 521 12345670", "without spaces"),
    ("company.caller_number", "+49123", "valid phone number"),
    ("company.caller_number", "", "valid phone number"),
    ("company.token", "s3cret", "not known here"),
    ("calling.max_attempts", 0, "1 or more"),
    ("calling.max_attempts", 21, "20 or less"),
    ("calling.max_attempts", 2.5, "whole number"),
    ("calling.max_attempts", "4", "whole number"),
    ("calling.attempts_per_day", 0, "1 or more"),
    ("calling.attempts_per_day", 11, "10 or less"),
    ("calling.pause_minutes", -1, "0 or more"),
    ("calling.pause_minutes", 10081, "10080 or less"),
    ("calling.first_call_delay_minutes", -1, "0 or more"),
    ("calling.max_per_30_days", 0, "1 or more"),
    ("calling.max_per_30_days", 101, "100 or less"),
    ("calling.observe_public_holidays", "yes", "true or false"),
    ("calling.observe_public_holidays", 1, "true or false"),
    ("calling.weekdays", [], "one entry at least"),
    ("calling.weekdays", "mon", "a list"),
    ("calling.weekdays.2", "wednesday", "'mon', 'tue'"),
    ("calling.weekdays.2", None, "'mon', 'tue'"),
    ("calling.weekdays.2", "mon", "twice"),
    ("calling.weekdays.5", "sun", "never calls on a Sunday"),
    ("calling.weekdays.5", "Sunday", "never calls on a Sunday"),
    ("calling.windows", [], "one entry at least"),
    ("calling.windows.0.from", "9:00", "time of day"),
    ("calling.windows.0.from", "24:00", "before 24:00"),
    ("calling.windows.0.from", 540, "time of day"),
    ("calling.windows.0.to", "09:00", "later than the start of the window, 09:00"),
    ("calling.windows.0.to", "08:59", "later than the start"),
    ("calling.windows.0.to", "12:60", "time of day"),
    ("calling.windows.0.to", "24:01", "time of day"),
    ("calling.windows.0.to", "12:00:00", "time of day"),
    ("calling.windows.0.to", "१२:००", "time of day"),
    ("calling.windows.0.until", "12:00", "not known here"),
    ("calling.closed_days.0", "24.12.2026", "a date"),
    ("calling.closed_days.0", "2026-02-30", "a date"),
    ("calling.closed_days.0", "2026-W52-4", "a date"),
    ("calling.closed_days.0", "1999-12-31", "2000 to 2999"),
    ("calling.closed_days.0", 20261224, "a date"),
    ("question_sets.care.language", "xx", "speaks"),
    ("question_sets.care.questions", [], "one entry at least"),
    ("question_sets.care.questions.0.kind", "date", "date are not built yet"),
    ("question_sets.care.questions.0.kind", "choice", "choice are not built yet"),
    ("question_sets.care.questions.0.kind", "essay", "'text', 'yes_no' or 'number'"),
    ("question_sets.care.questions.0.key", "a key", "must be a key"),
    ("question_sets.care.questions.0.text", "", "blank"),
    ("question_sets.care.questions.0.required", "no", "true or false"),
    ("question_sets.care.questions.1.key", "experience", "earlier question"),
    ("watched_stages.0.offer_id", 0, "1 or more"),
    ("watched_stages.0.stage_id", 2**63, "9223372036854775807 or less"),
    ("watched_stages.0.mode", "recruiter", "recruiter mode is not built yet"),
    ("watched_stages.0.mode", "reminder", "'interview' or 'recruiter'"),
    ("watched_stages.0.target", 8063176, "another stage than the watched one"),
    ("watched_stages.0.target", "previous", '"next", "none" or the id of a stage'),
    ("watched_stages.0.target", "8063177", '"next", "none" or the id of a stage'),
    ("watched_stages.0.target", True, '"next", "none" or the id of a stage'),
    ("watched_stages.0.target", -1, '"next", "none" or the id of a stage'),
    ("watched_stages.0.target", None, '"next", "none" or the id of a stage'),
    ("watched_stages.0.move_when", "always", "'completed' or 'reached'"),
    ("watched_stages.0.question_set", "nursing", "nothing that stands in question_sets"),
    ("watched_stages.0.call_those_already_there", "false", "true or false"),
    ("calender", {}, "not known here"),
]


@pytest.mark.parametrize(("path", "value", "says"), BAD_VALUES)
def test_a_bad_value_is_named_by_its_path(path: str, value: object, says: str) -> None:
    found = faults(changed((path, value)))

    named = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in path.split(".")).removeprefix(".")
    assert list(found) == [named]
    assert says in found[named]


def test_a_host_belongs_to_recruiter_mode() -> None:
    found = faults(changed(("watched_stages.0.host", "anna")))

    assert found["watched_stages[0].host"]


def test_the_name_of_a_set_of_questions_is_a_key() -> None:
    found = faults(
        changed(("question_sets", {"Pflege & mehr": EXAMPLE["question_sets"]["care"]}), ("watched_stages", []))
    )

    assert "must be a key" in found['question_sets["Pflege & mehr"]']


def test_windows_may_touch_and_end_with_the_day() -> None:
    windows = [{"from": "18:00", "to": "24:00"}, {"from": "00:00", "to": "18:00"}]

    document = parse(changed(("calling.windows", windows)))

    assert [(window.opens, window.closes) for window in document.calling.windows] == [(1080, 1440), (0, 1080)]


def test_closed_days_are_put_in_order_once_each() -> None:
    document = parse(changed(("calling.closed_days", ["2026-12-31", "2026-12-24", "2026-12-31"])))

    assert document.calling.closed_days == (date(2026, 12, 24), date(2026, 12, 31))


def test_a_stage_is_watched_once() -> None:
    again = EXAMPLE["watched_stages"][0] | {"target": "next"}
    elsewhere = again | {"offer_id": 1181301}

    found = faults(changed(("watched_stages.+", elsewhere), ("watched_stages.+", again)))

    assert found == {"watched_stages[2].stage_id": "is watched already by watched_stages[0]"}


def test_every_fault_is_named_also_where_they_stand_side_by_side() -> None:
    stage = EXAMPLE["watched_stages"][0]

    found = faults(
        changed(
            ("company.time_zone", "Mars/Olympus"),
            ("calling.weekdays", ["mon", "mon", "sun"]),
            ("calling.windows", [{"from": "09:00", "to": "08:00"}, {"from": "10:00", "to": "12:00"}]),
            ("calling.windows.+", {"from": "11:00", "to": "13:00", "zone": "UTC"}),
            ("question_sets.care.questions.0.kind", "date"),
            ("question_sets.care.questions.1.key", "experience"),
            ("watched_stages", [stage | {"target": stage["stage_id"], "question_set": "nursing"}, stage]),
        )
    )

    assert set(found) == {
        "company.time_zone",
        "calling.weekdays[1]",
        "calling.weekdays[2]",
        "calling.windows[0].to",
        "calling.windows[2].from",
        "calling.windows[2].zone",
        "question_sets.care.questions[0].kind",
        "question_sets.care.questions[1].key",
        "watched_stages[0].target",
        "watched_stages[0].question_set",
        "watched_stages[1].stage_id",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("company: x", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"\\ud800"', "not JSON"),
        ("null", "must be an object"),
        ("[]", "must be an object"),
        ("7", "must be an object"),
        (" " * (LONGEST_DOCUMENT + 1), "at most"),
    ],
)
def test_what_is_no_document_is_said_to_be_none(text: str, says: str) -> None:
    found = faults(text)

    assert list(found) == ["document"]
    assert says in found["document"]


def test_a_name_that_stands_twice_is_not_silently_dropped() -> None:
    text = json.dumps(EXAMPLE).replace(
        '"language": "de", "questions"', '"language": "en", "language": "de", "questions"'
    )

    assert faults(text) == {"question_sets.care.language": "stands in its object twice"}


@given(documents())
def test_a_document_comes_back_as_it_went(document: dict[str, Any]) -> None:
    read = parse(json.dumps(document))

    assert parse(to_json(read)) == read
    assert to_json(parse(to_json(read))) == to_json(read)


MINUTES = st.integers(0, 1440).map(lambda minute: minute - minute % 15)


@given(st.lists(st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] < pair[1]), min_size=1, max_size=5))
def test_windows_are_accepted_just_when_no_minute_lies_in_two(pairs: list[tuple[int, int]]) -> None:
    windows = [
        {"from": f"{opens // 60:02}:{opens % 60:02}", "to": f"{closes // 60:02}:{closes % 60:02}"}
        for opens, closes in pairs
    ]
    minutes = [minute for opens, closes in pairs for minute in range(opens, closes)]

    if len(minutes) == len(set(minutes)):
        assert len(parse(changed(("calling.windows", windows))).calling.windows) == len(pairs)
    else:
        assert all(path.startswith("calling.windows[") for path in faults(changed(("calling.windows", windows))))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["mon", "09:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    "company", "company.subdivision", "calling", "calling.weekdays", "calling.weekdays.0", "calling.windows",
    "calling.windows.0", "calling.windows.0.from", "calling.closed_days", "question_sets", "question_sets.care",
    "question_sets.care.questions", "question_sets.care.questions.0", "hosts", "watched_stages", "watched_stages.0",
    "watched_stages.0.target", "watched_stages.0.question_set", "watched_stages.0.stage_id",
]  # fmt: skip


@given(st.sampled_from(PLACES), ANY_JSON)
def test_whatever_stands_anywhere_is_read_or_refused_by_path(place: str, value: object) -> None:
    try:
        parse(changed((place, value)))
        named = [("the document", "is valid")]
    except BadSettings as bad:
        named = [(fault.path, fault.says) for fault in bad.faults]

    assert named
    assert all(path and says for path, says in named)
