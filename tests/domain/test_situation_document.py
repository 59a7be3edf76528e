"""The situation document: what it tells the calling rule, what it refuses, and that each fault is named by its path."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.attempt_policy import PastAttempt, Situation
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.situation_document import LONGEST_DOCUMENT, BadSituation, parse
from tests.domain.changed_documents import ABSENT
from tests.domain.situation_documents import EXAMPLE, changed

MOBILE = "+4915112345678"
INSTANT = "must be an instant with its zone, in the years 2000 to 2999, such as 2026-11-23T08:00:00Z"


def faults(text: str) -> dict[str, str]:
    with pytest.raises(BadSituation) as bad:
        parse(text)
    return {fault.path: fault.says for fault in bad.value.faults}


def situation(*changes: tuple[str, object]) -> Situation:
    return parse(changed(*changes)).situation


def test_the_example_is_what_the_calling_rule_reads() -> None:
    document = parse(json.dumps(EXAMPLE))

    assert document.situation == Situation(
        rules=CallingRules("Europe/Berlin", "DE", "NW", frozenset(range(1, 7)), (Window(540, 720), Window(840, 1080))),
        number=MOBILE,
        entered_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        attempts=(PastAttempt(datetime(2026, 11, 23, 8, 5, tzinfo=UTC), Disposition.NO_ANSWER),),
    )
    assert document.now == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_every_setting_arrives_in_the_rules() -> None:
    calling = {
        "max_attempts": 5, "attempts_per_day": 3, "weekdays": ["sat", "mon"], "pause_minutes": 1,
        "windows": [{"from": "18:00", "to": "24:00"}, {"from": "00:00", "to": "00:01"}], "max_per_30_days": 7,
        "first_call_delay_minutes": 2, "observe_public_holidays": False, "closed_days": ["2026-12-24"],
    }  # fmt: skip

    assert situation(("calling", calling)).rules == CallingRules(
        time_zone="Europe/Berlin",
        country="DE",
        subdivision="NW",
        weekdays=frozenset({1, 6}),
        windows=(Window(0, 1), Window(1080, 1440)),
        max_attempts=5,
        attempts_per_day=3,
        pause=timedelta(minutes=1),
        first_call_delay=timedelta(minutes=2),
        max_per_30_days=7,
        observe_public_holidays=False,
        closed_days=frozenset({date(2026, 12, 24)}),
    )


def test_what_is_optional_may_be_absent() -> None:
    optional = ("entered_at", "attempts", "callback_at", "opted_out", "now", "company.subdivision")

    document = parse(changed(*((path, ABSENT) for path in optional)))

    whole = parse(json.dumps(EXAMPLE)).situation
    rules = replace(whole.rules, subdivision=None)
    assert document.situation == replace(whole, rules=rules, entered_at=None, attempts=())
    assert document.now is None


@pytest.mark.parametrize("path", ["entered_at", "callback_at", "now", "company.subdivision"])
def test_null_is_as_good_as_absent(path: str) -> None:
    assert parse(changed((path, None))) == parse(changed((path, ABSENT)))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T08:00:00Z", "2026-11-23T08:00:00+00:00"),
        ("2026-11-23T09:00:00.25+01:00", "2026-11-23T08:00:00.250000+00:00"),
        ("2026-11-23T13:45:00+05:45", "2026-11-23T08:00:00+00:00"),
        ("2026-11-23T03:00-0500", "2026-11-23T08:00:00+00:00"),
        ("2026-11-23 08:00:00.123456789Z", "2026-11-23T08:00:00.123456+00:00"),
        ("2026-11-23t08:00:00z", "2026-11-23T08:00:00+00:00"),
        ("2028-02-29T00:00:00-00:00", "2028-02-29T00:00:00+00:00"),
    ],
)
def test_an_instant_may_be_written_in_any_usual_way(written: str, meant: str) -> None:
    now = parse(changed(("now", written))).now
    assert now is not None
    assert now.isoformat() == meant


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-23T08:00:00", "2026-11-23", "20261123T080000Z", "2026-W48-1T08:00:00Z", "2026-02-29T08:00:00Z",
        "2026-11-23T08:00:60Z", "2026-11-23T25:00:00Z", "2026-11-23T08:00:00+24:00", "1999-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z", "2026-11-23T08:00:00Z ", "२०२६-11-23T08:00:00Z", "now", "", 1_795_420_800, True, [], {},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["now", "entered_at", "callback_at", "attempts.0.at"])
def test_what_is_no_instant_is_refused(path: str, written: object) -> None:
    assert faults(changed((path, written))) == {path.replace(".0", "[0]"): INSTANT}


@pytest.mark.parametrize("path", ["attempts.0.at", "attempts", "opted_out", "number"])
def test_null_is_refused_where_it_says_nothing(path: str) -> None:
    assert list(faults(changed((path, None)))) == [path.replace(".0", "[0]")]


@pytest.mark.parametrize("number", ["+49 151 12345678", "0151 12345678", "0151/12345678", "004915112345678"])
def test_a_number_is_read_by_the_companys_country(number: str) -> None:
    assert situation(("number", number)).number == MOBILE


def test_of_several_numbers_the_first_that_is_not_wrong_is_called() -> None:
    both = ("number", "0151 12345678 oder 0521 12345670")
    wrong = {"at": "2026-11-23T08:30:00Z", "disposition": "wrong_person"}

    assert situation(both).number == MOBILE
    assert situation(both, ("attempts.+", wrong)).number == "+4952112345670"
    assert situation(("attempts.+", wrong)).number is None
    assert situation(("attempts.+", wrong | {"number": "0521 12345670"})).number == MOBILE


BAD_VALUES: list[tuple[str, object, str]] = [
    ("company", ABSENT, "is missing"),
    ("company.time_zone", "Foo5", "exact name of a time zone"),
    ("company.time_zone", "europe/berlin", "exact name of a time zone"),
    ("company.time_zone", ABSENT, "is missing"),
    ("company.country", "XX", "public holidays are known"),
    ("company.country", "Germany", "two capital letters"),
    ("company.country", ABSENT, "is missing"),
    ("company.subdivision", "QQ", "part of DE"),
    ("company.subdivision", "", "part of DE"),
    ("company.name", "Example GmbH", "not known here"),
    ("calling", ABSENT, "is missing"),
    ("calling.weekdays.5", "sun", "never calls on a Sunday"),
    ("calling.weekdays", [], "one entry at least"),
    ("calling.windows.1.from", "11:00", "overlaps the window from 09:00 to 12:00"),
    ("calling.windows.1.to", "13:00", "later than the start of the window, 14:00"),
    ("calling.windows", [], "one entry at least"),
    ("calling.max_attempts", 0, "1 or more"),
    ("calling.max_attempts", float("nan"), "whole number"),
    ("calling.pause_minutes", float("inf"), "whole number"),
    ("calling.pause_minutes", 1e400, "whole number"),
    ("calling.attempts_per_day", "2", "whole number"),
    ("calling.retry", 1, "not known here"),
    ("number", ABSENT, "is missing"),
    ("number", "", "must not be blank"),
    ("number", "hello", "must be a telephone number"),
    ("number", "12", "is too short for a telephone number"),
    ("number", "+4915112345678901234", "is too long for a telephone number"),
    ("number", "+4999912345678", "nobody has"),
    ("number", "+499001234567", "does not call"),
    ("number", 4915112345678, "text in quotation marks"),
    ("number", "0" * 251, "at most 250 characters"),
    ("attempts", {}, "must be a list"),
    ("attempts.0", "no_answer", "must be an object"),
    ("attempts.0.disposition", "annoyed", "must be one of 'interviewed'"),
    ("attempts.0.disposition", "NO_ANSWER", "must be one of 'interviewed'"),
    ("attempts.0.disposition", ABSENT, "is missing"),
    ("attempts.0.at", ABSENT, "is missing"),
    ("attempts.0.number", "hello", "must be a telephone number"),
    ("attempts.0.outcome", "completed", "not known here"),
    ("attempts", [EXAMPLE["attempts"][0]] * 1001, "at most 1000 entries"),
    ("opted_out", "no", "true or false"),
    ("opted_out", 0, "true or false"),
    ("called_elsewhere", [], "not known here"),
]


@pytest.mark.parametrize(("path", "value", "says"), BAD_VALUES)
def test_a_bad_value_is_named_by_its_path(path: str, value: object, says: str) -> None:
    found = faults(changed((path, value)))

    named = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in path.split(".")).removeprefix(".")
    assert list(found) == [named]
    assert says in found[named]


def test_every_fault_is_named() -> None:
    found = faults(
        changed(
            ("company.time_zone", "Mars/Olympus"),
            ("calling.weekdays.0", "sun"),
            ("number", "hello"),
            ("attempts.0", {"at": "2026-11-23", "disposition": "annoyed", "number": "1"}),
            ("now", "soon"),
        )
    )

    assert set(found) == {
        "company.time_zone", "calling.weekdays[0]", "number", "attempts[0].at", "attempts[0].disposition",
        "attempts[0].number", "now",
    }  # fmt: skip


def test_a_national_number_is_judged_only_where_its_country_is_known() -> None:
    unknown = ("company.country", "XX")

    assert list(faults(changed(unknown, ("number", "0151 12345678")))) == ["company.country"]
    assert set(faults(changed(unknown, ("number", "+49151")))) == {"company.country", "number"}
    assert list(faults(changed(unknown, ("number", "+49 151 12345678")))) == ["company.country"]
    assert set(faults(changed(("company", 7), ("number", "+49151")))) == {"company", "number"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"\\ud800"', "not JSON"),
        ("null", "must be an object"),
        ("[]", "must be an object"),
        (" " * (LONGEST_DOCUMENT + 1), "at most"),
    ],
)
def test_what_is_no_document_is_said_to_be_none(text: str, says: str) -> None:
    found = faults(text)

    assert list(found) == ["document"]
    assert says in found["document"]


def test_a_name_that_stands_twice_is_not_silently_dropped() -> None:
    text = json.dumps(EXAMPLE).replace('"opted_out": false', '"opted_out": true, "opted_out": false')

    assert faults(text) == {"opted_out": "stands in its object twice"}


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["+49", "mon"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    "company", "company.country", "company.subdivision", "calling", "calling.windows", "number", "entered_at",
    "attempts", "attempts.0", "attempts.0.at", "attempts.0.number", "attempts.0.disposition", "callback_at", "now",
]  # fmt: skip


@given(st.sampled_from(PLACES), ANY_JSON)
def test_whatever_stands_anywhere_is_read_or_refused_by_path(place: str, value: Any) -> None:
    try:
        parse(changed((place, value)))
        named = [("the document", "is valid")]
    except BadSituation as bad:
        named = [(fault.path, fault.says) for fault in bad.faults]

    assert named
    assert all(path and says for path, says in named)
