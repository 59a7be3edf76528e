"""Rules 5, 6, 9 and 10: one person with several jobs, who has left, and offers that are closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.attempt_policy import Call, Hold, Never, PastAttempt, Situation, Wait, may_call
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import UNCOUNTED, Disposition, Outcome
from klara_daemon.domain.local_time import local_day
from klara_daemon.domain.stays import Leaving
from tests.domain.cases import MINUTE, MOBILE, RULES, case, codes, local, waits_until
from tests.domain.situations import instants, zones

D = Disposition
MONDAY = local("2026-11-23 10:00")
DAY = timedelta(hours=24)
ALL_DAY = replace(RULES, windows=(Window(0, 1440),))


# Rule 6: one person, several jobs


def test_two_jobs_of_one_person_share_the_number_of_calls_a_day() -> None:
    called = (local("2026-11-23 09:00"), local("2026-11-23 09:30"))
    decision = may_call(case(called_elsewhere=called), MONDAY)
    assert waits_until(decision) == "2026-11-24 09:00"
    assert codes(decision) == ["number_per_day", "window"]
    assert isinstance(may_call(case(called_elsewhere=called[:1]), MONDAY), Call)


def test_a_call_for_this_job_and_one_for_another_make_two_calls_a_day() -> None:
    here = ("2026-11-23 09:00", D.BUSY)
    assert isinstance(may_call(case(here), MONDAY), Call)
    decision = may_call(case(here, called_elsewhere=(local("2026-11-23 09:10"),)), MONDAY)
    assert codes(decision) == ["number_per_day", "window"]


def test_calls_for_another_job_do_not_use_up_the_maximum_of_this_one() -> None:
    called = tuple(MONDAY - nth * DAY for nth in range(3, 9))
    assert isinstance(may_call(case(called_elsewhere=called, rules=replace(RULES, max_attempts=1)), MONDAY), Call)


def test_calls_for_another_job_ask_for_no_pause() -> None:
    assert isinstance(may_call(case(called_elsewhere=(MONDAY - MINUTE,)), MONDAY), Call)


def test_the_day_that_jobs_share_is_the_companys_local_date() -> None:
    late = (local("2026-11-23 23:30"), local("2026-11-23 23:59"))
    assert isinstance(may_call(case(called_elsewhere=late, rules=ALL_DAY), local("2026-11-24 00:00")), Call)
    just_past_midnight = (local("2026-11-24 00:00"), local("2026-11-24 00:01"))
    decision = may_call(case(called_elsewhere=just_past_midnight, rules=ALL_DAY), local("2026-11-24 23:59"))
    assert waits_until(decision) == "2026-11-25 00:00"


@pytest.mark.parametrize("disposition", sorted(UNCOUNTED))
def test_what_does_not_count_is_no_call_to_the_person(disposition: Disposition) -> None:
    past = [(f"2026-11-23 0{hour}:00", disposition) for hour in range(9)]
    rules = replace(RULES, attempts_per_day=1, max_per_30_days=1)
    assert isinstance(may_call(case(*past, rules=rules), local("2026-11-23 14:00")), Call)


@pytest.mark.parametrize(("per_day", "here", "elsewhere"), [*product((1, 2, 3), range(4), range(4))])
def test_calls_of_all_jobs_add_up_to_what_one_day_allows(per_day: int, here: int, elsewhere: int) -> None:
    rules = replace(RULES, attempts_per_day=per_day, max_attempts=9)
    past = [(f"2026-11-23 09:0{nth}", D.BUSY) for nth in range(here)]
    called = tuple(local(f"2026-11-23 09:1{nth}") for nth in range(elsewhere))
    decision = may_call(case(*past, rules=rules, called_elsewhere=called), MONDAY)
    assert isinstance(decision, Call) == (here + elsewhere < per_day)
    if isinstance(decision, Wait):
        assert codes(decision)[0] == ("per_day" if here >= per_day else "number_per_day")


# Rule 6: thirty days


@pytest.mark.parametrize("most", [1, 2, 10])
def test_the_30_days_free_a_call_exactly_30_times_24_hours_after_the_earliest_that_counts(most: int) -> None:
    first = local("2026-10-24 10:30")
    called = tuple(first + nth * DAY for nth in range(most))
    rules = replace(RULES, max_per_30_days=most)
    decision = may_call(case(called_elsewhere=called, rules=rules), local("2026-11-23 09:05"))
    assert isinstance(decision, Wait)
    # The clocks went back in between: 30 times 24 hours after 10:30 in summer it is 09:30 in winter.
    assert decision.at == first + timedelta(hours=30 * 24) == local("2026-11-23 09:30")
    assert codes(decision) == ["number_per_30_days"]
    assert decision.rules[0].until == decision.at
    assert isinstance(may_call(case(called_elsewhere=called, rules=rules), decision.at), Call)
    too_early = decision.at - timedelta(microseconds=1)
    assert isinstance(may_call(case(called_elsewhere=called, rules=rules), too_early), Wait)


def test_ten_calls_in_30_days_over_all_jobs_are_the_most() -> None:
    here = ("2026-11-20 10:00", D.NO_ANSWER)
    elsewhere = tuple(local(f"2026-11-{day:02} 11:00") for day in range(2, 20) if day % 2)
    assert len(elsewhere) == 9
    decision = may_call(case(here, called_elsewhere=elsewhere), MONDAY)
    assert waits_until(decision) == "2026-12-03 11:00"
    assert codes(decision) == ["number_per_30_days"]
    assert isinstance(may_call(case(here, called_elsewhere=elsewhere[1:]), MONDAY), Call)


def test_a_callback_does_not_outrank_the_30_days() -> None:
    called = tuple(MONDAY - nth * DAY for nth in range(1, 11))
    decision = may_call(case(called_elsewhere=called, callback_at=MONDAY), MONDAY)
    assert isinstance(decision, Wait)
    assert decision.at > MONDAY
    assert "number_per_30_days" in codes(decision)


def test_the_30_days_end_nobody() -> None:
    called = tuple(MONDAY - nth * MINUTE for nth in range(1, 200))
    assert isinstance(may_call(case(called_elsewhere=called), MONDAY), Wait)


@given(st.data())
def test_two_jobs_that_follow_their_plans_never_call_the_person_more_often_than_one_may(data: st.DataObject) -> None:
    zone = data.draw(zones)
    now = data.draw(instants(zone))
    per_day, most = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    everywhere = (Window(0, 1440),)
    rules = CallingRules(
        zone, "DE", None, frozenset(range(1, 7)), everywhere, 20, per_day, timedelta(0), max_per_30_days=most
    )
    calls: list[datetime] = []
    jobs = [Situation(rules, MOBILE, None), Situation(rules, MOBILE, None)]
    for _ in range(12):
        nth = data.draw(st.integers(0, 1))
        decision = may_call(jobs[nth], now)
        assert isinstance(decision, Call | Wait)
        now = decision.at if isinstance(decision, Wait) else now
        calls.append(now)
        past = (*jobs[nth].attempts, PastAttempt(now, D.NO_ANSWER))
        other = replace(jobs[1 - nth], called_elsewhere=tuple(attempt.placed_at for attempt in past))
        jobs[nth] = replace(jobs[nth], attempts=past)
        jobs[1 - nth] = other
        now += data.draw(st.integers(1, 3000)) * MINUTE
    days = [local_day(zone, at) for at in calls]
    assert max(days.count(day) for day in days) <= per_day
    assert all(sum(at - 30 * DAY < other <= at for other in calls) <= most for at in calls)


# Rule 10: still there


@pytest.mark.parametrize("because", Leaving)
def test_whoever_has_left_is_not_called_and_withdrawn(because: Leaving) -> None:
    decision = may_call(case(left_because=because, callback_at=MONDAY), MONDAY)
    assert isinstance(decision, Never)
    assert decision.outcome is Outcome.WITHDRAWN
    assert codes(decision) == ["left_stage"]


@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        (D.INTERVIEWED, Outcome.COMPLETED),
        (D.APPOINTMENT_BOOKED, Outcome.COMPLETED),
        (D.DECLINED, Outcome.WITHDRAWN),
        (D.NO_ANSWER, Outcome.WITHDRAWN),
        (D.CANCELLED, Outcome.WITHDRAWN),
    ],
)
def test_who_leaves_during_the_call_that_settles_everything_has_completed(
    disposition: Disposition, outcome: Outcome
) -> None:
    decision = may_call(case(("2026-11-23 09:30", disposition), left_because=Leaving.LEFT_STAGE), MONDAY)
    assert isinstance(decision, Never)
    assert decision.outcome is outcome


def test_settings_that_allow_no_call_keep_nobody_who_has_left() -> None:
    rules = replace(RULES, time_zone="Europe/Atlantis", windows=())
    assert isinstance(may_call(case(rules=rules, left_because=Leaving.HIRED), MONDAY), Never)


def test_a_closed_offer_holds_and_goes_on_when_it_is_opened() -> None:
    decision = may_call(case(offer_is_open=False), MONDAY)
    assert isinstance(decision, Hold)
    assert codes(decision) == ["offer_closed"]
    assert isinstance(may_call(case(offer_is_open=True), MONDAY), Call)


def test_a_closed_offer_keeps_nobody_who_has_an_end() -> None:
    assert isinstance(may_call(case(("2026-11-23 09:00", D.DECLINED), offer_is_open=False), MONDAY), Never)


# Nothing that the settings cause ends anybody


@pytest.mark.parametrize("name", ["max_attempts", "attempts_per_day", "max_per_30_days"])
@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize("past", [(), (("2026-11-20 10:00", D.NO_ANSWER),) * 5])
def test_a_number_of_calls_below_one_holds_and_neither_ends_nor_calls(
    name: str, number: int, past: tuple[tuple[str, Disposition], ...]
) -> None:
    rules = replace(replace(RULES, max_attempts=9), **{name: number})  # type: ignore[arg-type]
    for callback_at in (None, MONDAY):
        decision = may_call(case(*past, rules=rules, callback_at=callback_at), MONDAY)
        assert isinstance(decision, Hold)
        codes_of_numbers = {"max_attempts": "maximum", "attempts_per_day": "per_day"}
        assert codes(decision) == [codes_of_numbers.get(name, "number_per_30_days")]


@pytest.mark.parametrize(
    "changed",
    [
        {"time_zone": "Europe/Atlantis"},
        {"weekdays": frozenset()},
        {"windows": (Window(18 * 60, 9 * 60),)},
        {"windows": (Window(9 * 60, 12 * 60), Window(11 * 60, 18 * 60))},
        {"max_attempts": 0},
        {"max_per_30_days": 0},
        {"country": "QQ"},
        {"closed_days": frozenset(date(2026, 11, 20) + timedelta(nth) for nth in range(500))},
    ],
)
def test_whom_the_settings_hold_they_let_go_on_by_themselves_once_they_allow_it(changed: dict[str, object]) -> None:
    called = case(("2026-11-20 10:00", D.NO_ANSWER))
    held = replace(called, rules=replace(RULES, **changed))  # type: ignore[arg-type]
    for minutes in range(0, 3 * 1440, 97):
        assert isinstance(may_call(held, MONDAY + minutes * MINUTE), Hold)
    assert isinstance(may_call(called, MONDAY), Call)
