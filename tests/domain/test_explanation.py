"""What is answered to whoever asks why: each decision in plain values, and outreaches that no rule decides alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from klara_daemon.domain.attempt_policy import Call, Decision, Hold, Never, PastAttempt, RuleSays, Situation, Wait
from klara_daemon.domain.calling_days import calling_days
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.domain.explanation import Known, answer, days_told, decision_about, utc

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RULES = CallingRules("Europe/Berlin", "DE", "NW", frozenset(range(1, 7)), (Window(540, 720), Window(840, 1080)))
CALLABLE = Situation(RULES, "+4915112345678", None)
REFUSED = Situation(RULES, "+4915112345678", None, (PastAttempt(NOW - timedelta(days=1), Disposition.DECLINED),))
SAYS = RuleSays("window", "Outside.", NOW)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Call(), {"decision": "call", "at": "2026-11-23T09:00:00Z", "rules": []}),
        (
            Wait(NOW + timedelta(hours=1), (SAYS,)),
            {
                "decision": "wait",
                "at": "2026-11-23T10:00:00Z",
                "rules": [{"code": "window", "says": "Outside.", "until": "2026-11-23T09:00:00Z"}],
            },
        ),
        (
            Hold((RuleSays("weekday", "No weekday."),)),
            {"decision": "hold", "at": None, "rules": [{"code": "weekday", "says": "No weekday.", "until": None}]},
        ),
        (
            Never(Outcome.EXHAUSTED, ()),
            {"decision": "never", "at": None, "outcome": "exhausted", "rules": []},
        ),
    ],
)
def test_each_decision_is_told_in_plain_values(decision: Decision, expected: dict[str, object]) -> None:
    assert answer(decision, NOW) == expected


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=1))), "2026-11-23T08:00:00Z"),
        (datetime(2026, 11, 23, 9, 0, 0, 250, tzinfo=UTC), "2026-11-23T09:00:00.000250Z"),
        (None, None),
    ],
)
def test_instants_are_told_in_utc(at: datetime | None, told: str | None) -> None:
    assert utc(at) == told


def test_days_are_told_with_windows_or_the_reason() -> None:
    saturday, sunday = days_told(calling_days(CALLABLE, datetime(2026, 11, 28, 9, 0, tzinfo=UTC), 2))

    assert saturday == {
        "on": "2026-11-28",
        "weekday": "sat",
        "windows": [
            {"from": "2026-11-28T08:00:00Z", "to": "2026-11-28T11:00:00Z"},
            {"from": "2026-11-28T13:00:00Z", "to": "2026-11-28T17:00:00Z"},
        ],
        "says": None,
    }
    assert sunday == {"on": "2026-11-29", "weekday": "sun", "windows": [], "says": "Nobody is called on a Sunday."}


def test_an_open_outreach_is_what_the_one_rule_says() -> None:
    assert decision_about(Known(CALLABLE), NOW) == Call()


def test_without_settings_or_questions_it_is_held() -> None:
    assert [says.code for says in decision_about(Known(None), NOW).rules] == ["settings"]
    held = decision_about(Known(CALLABLE, has_questions=False), NOW)
    assert isinstance(held, Hold)
    assert [says.code for says in held.rules] == ["questions"]


def test_what_ends_an_outreach_outranks_the_want_of_questions() -> None:
    assert isinstance(decision_about(Known(REFUSED, has_questions=False), NOW), Never)


def test_while_a_call_is_under_way_what_follows_is_open() -> None:
    decision = decision_about(Known(CALLABLE, is_calling=True), NOW)

    assert isinstance(decision, Wait)
    assert decision.at == NOW + timedelta(minutes=1)
    assert [says.code for says in decision.rules] == ["calling"]


def test_an_end_is_told_with_its_rule_where_that_still_says_so() -> None:
    refused = decision_about(Known(REFUSED, Outcome.REFUSED), NOW)
    otherwise = decision_about(Known(REFUSED, Outcome.EXHAUSTED), NOW)
    corrected = decision_about(Known(CALLABLE, Outcome.UNCALLABLE), NOW)

    assert [says.code for says in refused.rules] == ["declined"]
    assert otherwise == Never(Outcome.EXHAUSTED, (RuleSays("ended", "The outreach has ended: exhausted."),))
    assert isinstance(corrected, Never)
    assert [says.code for says in corrected.rules] == ["ended"]
