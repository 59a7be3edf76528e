"""Rule 8: a callback used up, armed again, above the maximum, and moved by what it does not outrank."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from klara_daemon.domain.attempt_policy import Call, Never, PastAttempt, Situation, Wait, may_call
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import UNCOUNTED, Disposition, Outcome
from klara_daemon.domain.lines import Lines
from klara_daemon.domain.stays import Leaving
from tests.domain.cases import MINUTE, NEW_YORK, RULES, case, codes, local, waits_until

D = Disposition
ONCE = replace(RULES, max_attempts=1)
ASKED = ("2026-11-23 10:00", D.CALLBACK_REQUESTED)
ENDING = (D.INTERVIEWED, D.APPOINTMENT_BOOKED, D.DECLINED, D.OPTED_OUT, D.HUMAN_REQUESTED)
COUNTED_AND_GOING_ON = tuple(each for each in D if each.counts and each not in ENDING)


# Used up, and armed again


@pytest.mark.parametrize("minutes", [0, 1, 60])
@pytest.mark.parametrize("disposition", COUNTED_AND_GOING_ON)
def test_whatever_counts_uses_a_callback_up_from_its_time_on(disposition: Disposition, minutes: int) -> None:
    at = local("2026-11-23 11:00") + minutes * MINUTE
    attempts = (PastAttempt(local(ASKED[0]), ASKED[1]), PastAttempt(at, disposition))
    decision = may_call(case(attempts=attempts, callback_at=local("2026-11-23 11:00")), at + MINUTE)
    assert isinstance(decision, Wait)
    assert "callback" not in codes(decision)


def test_a_counted_call_before_its_time_leaves_a_callback_as_it_is() -> None:
    past = (ASKED, ("2026-11-23 10:59", D.NO_ANSWER))
    decision = may_call(case(*past, callback_at=local("2026-11-23 11:00")), local("2026-11-23 11:00"))
    assert isinstance(decision, Call)
    assert codes(decision) == ["callback"]


@pytest.mark.parametrize("disposition", sorted(UNCOUNTED))
def test_whatever_does_not_count_leaves_a_callback_standing(disposition: Disposition) -> None:
    past = (ASKED, ("2026-11-23 11:00", disposition))
    decision = may_call(case(*past, callback_at=local("2026-11-23 11:00"), rules=ONCE), local("2026-11-23 11:05"))
    assert isinstance(decision, Call)
    assert codes(decision) == ["callback"]


def test_a_callback_stays_armed_through_failure_after_failure_until_somebody_is_reached() -> None:
    failed = [(f"2026-11-23 {hour}:00", D.TECHNICAL_FAILURE) for hour in (11, 12, 13)]
    asked = case(ASKED, *failed, callback_at=local("2026-11-23 11:00"), rules=ONCE)
    decision = may_call(asked, local("2026-11-23 13:05"))
    assert waits_until(decision) == "2026-11-23 13:20"
    assert codes(decision) == ["pause", "callback"]
    reached = case(ASKED, *failed, ("2026-11-23 13:20", D.HUNG_UP), callback_at=local("2026-11-23 11:00"), rules=ONCE)
    assert isinstance(may_call(reached, local("2026-11-25 10:00")), Never)


def test_a_used_up_callback_gives_the_pause_back_its_force() -> None:
    past = (ASKED, ("2026-11-23 11:00", D.NO_ANSWER))
    rules = replace(RULES, attempts_per_day=9)
    decision = may_call(case(*past, callback_at=local("2026-11-23 11:00"), rules=rules), local("2026-11-23 11:01"))
    assert waits_until(decision) == "2026-11-23 14:00"
    assert codes(decision) == ["pause"]


# Above the maximum


def test_a_callback_above_the_maximum_is_called_and_a_second_one_refused() -> None:
    asked = case(ASKED, rules=ONCE, callback_at=local("2026-11-23 11:00"))
    assert waits_until(may_call(asked, local("2026-11-23 10:01"))) == "2026-11-23 11:00"
    again = case(ASKED, ("2026-11-23 11:00", D.CALLBACK_REQUESTED), rules=ONCE, callback_at=local("2026-11-24 11:00"))
    decision = may_call(again, local("2026-11-23 11:01"))
    assert isinstance(decision, Never)
    assert decision.outcome is Outcome.UNFINISHED
    assert codes(decision) == ["maximum"]


@pytest.mark.parametrize(("maximum", "placed"), [*product((1, 2, 3), range(6))])
def test_callback_after_callback_makes_one_call_more_than_the_maximum_and_no_other(maximum: int, placed: int) -> None:
    rules = replace(RULES, max_attempts=maximum, attempts_per_day=9)
    past = [(f"2026-11-{16 + nth} 10:00", D.CALLBACK_REQUESTED) for nth in range(placed)]
    decision = may_call(case(*past, rules=rules, callback_at=local("2026-11-23 10:00")), local("2026-11-23 10:00"))
    assert isinstance(decision, Call if placed <= maximum else Never)


def test_without_a_callback_nothing_is_above_the_maximum() -> None:
    assert isinstance(may_call(case(ASKED, rules=ONCE), local("2026-11-25 10:00")), Never)


# Moved by the rules that it does not outrank, and it says so


@pytest.mark.parametrize(
    ("asked_for", "code", "expected"),
    [
        ("2026-11-22 10:00", "sunday", "2026-11-23 09:00"),
        ("2026-12-25 10:00", "holiday", "2026-12-28 09:00"),
        ("2026-12-24 10:00", "closed_day", "2026-12-28 09:00"),
        ("2026-11-23 08:59", "window", "2026-11-23 09:00"),
        ("2026-11-23 18:00", "window", "2026-11-24 09:00"),
        ("2026-11-21 10:00", "weekday", "2026-11-23 09:00"),
    ],
)
@pytest.mark.parametrize("asked_again_after", [timedelta(hours=-30), timedelta(0), timedelta(seconds=1), 30 * MINUTE])
def test_a_callback_for_a_forbidden_time_moves_and_says_so_before_its_time_and_after(
    asked_for: str, code: str, expected: str, asked_again_after: timedelta
) -> None:
    rules = replace(RULES, weekdays=frozenset(range(1, 6)), closed_days=frozenset({date(2026, 12, 24)}))
    wish = local(asked_for)
    now = min(wish + asked_again_after, local(expected) - timedelta(seconds=1))
    decision = may_call(case(rules=rules, callback_at=wish), now)
    assert waits_until(decision) == expected
    assert codes(decision)[0] == "callback"
    assert code in codes(decision)
    assert decision.rules[0].until == wish


def test_a_callback_asked_for_minutes_before_closing_says_so_when_the_call_ends_after_it() -> None:
    past = ("2026-11-23 17:50", D.CALLBACK_REQUESTED)
    decision = may_call(case(past, callback_at=local("2026-11-23 17:58")), local("2026-11-23 18:04"))
    assert waits_until(decision) == "2026-11-24 09:00"
    assert codes(decision) == ["callback", "window"]


def test_a_callback_moved_by_the_candidates_own_clock_says_so() -> None:
    decision = may_call(case(number=NEW_YORK, callback_at=local("2026-11-23 10:00")), local("2026-11-23 12:00"))
    assert waits_until(decision) == "2026-11-23 14:00"
    assert codes(decision) == ["callback", "callee_clock"]


def test_a_callback_moved_by_the_thirty_days_says_so() -> None:
    wish = local("2026-11-23 10:00")
    called = tuple(wish - timedelta(days=29, hours=hours) for hours in range(10))
    decision = may_call(case(callback_at=wish, called_elsewhere=called), wish)
    assert codes(decision)[:2] == ["callback", "number_per_30_days"]
    assert waits_until(decision) == "2026-11-24 09:00"


def test_a_callback_that_waits_for_a_line_says_so() -> None:
    wish = local("2026-11-23 10:00")
    decision = may_call(case(callback_at=wish, lines=Lines(trunk_calls=1, trunk_limit=1)), wish + MINUTE)
    assert codes(decision) == ["trunk_full", "callback"]


def test_a_callback_that_no_setting_allows_holds_and_says_so() -> None:
    rules = replace(RULES, closed_days=frozenset(date(2026, 11, 20) + timedelta(days=nth) for nth in range(500)))
    decision = may_call(case(rules=rules, callback_at=local("2026-11-23 10:00")), local("2026-11-23 10:01"))
    assert codes(decision)[0] == "callback"
    assert "closed_day" in codes(decision)
    assert all(rule.until is None for rule in decision.rules)


# What it outranks, and what not


def test_a_callback_outranks_the_later_day_after_a_mailbox_and_the_other_window() -> None:
    rules = replace(RULES, windows=(Window(540, 720), Window(840, 1080)))
    for disposition in (D.VOICEMAIL, D.NO_ANSWER):
        past = ("2026-11-23 10:00", disposition)
        decision = may_call(case(past, rules=rules, callback_at=local("2026-11-23 10:05")), local("2026-11-23 10:05"))
        assert isinstance(decision, Call)


def test_a_callback_outranks_the_daily_numbers_over_all_jobs() -> None:
    wish = local("2026-11-23 15:00")
    called = (local("2026-11-23 09:00"), local("2026-11-23 11:00"), local("2026-11-23 13:00"))
    assert isinstance(may_call(case(called_elsewhere=called, callback_at=wish), wish), Call)
    assert waits_until(may_call(case(called_elsewhere=called), wish)) == "2026-11-24 09:00"


def test_a_callback_outranks_neither_the_first_delay_nor_the_pause_after_failures() -> None:
    entered_at = local("2026-11-23 10:00")
    assert waits_until(may_call(case(entered_at=entered_at, callback_at=entered_at), entered_at)) == "2026-11-23 10:03"
    past = (ASKED, ("2026-11-23 11:00", D.TECHNICAL_FAILURE), ("2026-11-23 11:05", D.NOT_PLACED))
    decision = may_call(case(*past, callback_at=local("2026-11-23 11:00")), local("2026-11-23 11:06"))
    assert waits_until(decision) == "2026-11-23 11:15"


def test_a_callback_wakes_nobody_who_said_no_or_has_left() -> None:
    wish = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    utc = CallingRules("UTC", "DE", None, frozenset(range(1, 7)), (Window(0, 1440),))
    said_no = Situation(utc, "+4915112345678", None, (PastAttempt(wish - 9 * MINUTE, D.DECLINED),), callback_at=wish)
    assert isinstance(may_call(said_no, wish), Never)
    has_left = replace(said_no, attempts=(), left_because=Leaving.LEFT_STAGE)
    assert isinstance(may_call(has_left, wish), Never)
    assert isinstance(may_call(replace(has_left, left_because=None), wish), Call)
