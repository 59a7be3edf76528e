"""The calling rule: against the slow oracle, and by name where others have failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.attempt_policy import (
    Call,
    Hold,
    Never,
    PastAttempt,
    Situation,
    Wait,
    may_call,
    next_number,
)
from klara_daemon.domain.calling_hours import Window
from klara_daemon.domain.dispositions import Disposition, Outcome
from tests.domain import oracle
from tests.domain.agreement import agrees_with_the_oracle, examples
from tests.domain.cases import (
    MINUTE,
    MOBILE,
    MORNING_AND_AFTERNOON,
    NEW_YORK,
    RULES,
    SATELLITE,
    case,
    codes,
    local,
    waits_until,
)
from tests.domain.situations import at_clock_changes, calling_rules, instants, situations, working_days, zones

D = Disposition


# Against the oracle


@examples(200)
@given(situations())
def test_the_decision_is_that_of_the_minute_by_minute_oracle(drawn: tuple[Situation, datetime]) -> None:
    agrees_with_the_oracle(*drawn, horizon=timedelta(days=4))


@examples(200)
@given(working_days())
def test_the_decision_is_that_of_the_oracle_on_working_days(drawn: tuple[Situation, datetime]) -> None:
    agrees_with_the_oracle(*drawn, horizon=timedelta(days=3))


@examples(150)
@given(at_clock_changes())
def test_the_decision_is_that_of_the_oracle_when_clocks_change(drawn: tuple[Situation, datetime]) -> None:
    agrees_with_the_oracle(*drawn, horizon=timedelta(days=2))


@examples(200)
@given(situations() | working_days(), st.data())
def test_looking_again_shows_the_same_plan_until_the_call_may_start(
    drawn: tuple[Situation, datetime], data: st.DataObject
) -> None:
    # How the lines stand is asked at the moment of a dial, and of no plan.
    situation, now = replace(drawn[0], lines=None), drawn[1]
    decision = may_call(situation, now)
    assert may_call(situation, now) == decision
    if not isinstance(decision, Wait):
        return
    assert isinstance(may_call(situation, decision.at), Call)
    assert isinstance(may_call(situation, decision.at - timedelta(microseconds=1)), Wait)
    between = now + data.draw(st.floats(0, 1)) * (decision.at - now)
    later = may_call(situation, min(between, decision.at - timedelta(microseconds=1)))
    assert isinstance(later, Wait)
    assert later.at == decision.at


@examples(60)
@given(st.data())
def test_an_outreach_that_follows_its_plan_keeps_every_limit(data: st.DataObject) -> None:
    zone = data.draw(zones)
    now = data.draw(instants(zone))
    situation = Situation(data.draw(calling_rules(zone, now.date())), MOBILE, now)
    while not isinstance(decision := may_call(situation, now), Never | Hold):
        now = decision.at if isinstance(decision, Wait) else now
        assert oracle.permits(situation, now)
        disposition = data.draw(st.sampled_from((D.NO_ANSWER, D.BUSY, D.VOICEMAIL, D.CALLBACK_REQUESTED, D.HUNG_UP)))
        asked_for = now + data.draw(st.integers(0, 2000)) * MINUTE if disposition is D.CALLBACK_REQUESTED else None
        attempts = (*situation.attempts, PastAttempt(now, disposition))
        situation = replace(situation, attempts=attempts, callback_at=asked_for or situation.callback_at)
        assert len(attempts) <= situation.rules.max_attempts + 1
        now += data.draw(st.integers(1, 60)) * MINUTE
    if isinstance(decision, Never):
        assert decision.outcome == oracle.outcome(situation)


# Hours, days and zones


def test_a_retry_due_at_19_00_with_hours_until_18_00_comes_the_next_morning() -> None:
    decision = may_call(case(("2026-11-23 16:00", D.NO_ANSWER)), local("2026-11-23 16:01"))
    assert waits_until(decision) == "2026-11-24 09:00"
    assert codes(decision) == ["pause", "window"]
    assert decision.rules[0].until == local("2026-11-23 19:00")


def test_a_slot_that_frees_three_minutes_after_the_window_closed_places_no_call() -> None:
    assert isinstance(may_call(case(), local("2026-11-23 17:59")), Call)
    assert waits_until(may_call(case(), local("2026-11-23 18:03"))) == "2026-11-24 09:00"


def test_the_start_of_a_window_is_included_and_its_end_is_not() -> None:
    assert isinstance(may_call(case(), local("2026-11-23 09:00")), Call)
    assert isinstance(may_call(case(), local("2026-11-23 08:59:59")), Wait)
    assert isinstance(may_call(case(), local("2026-11-23 17:59:59")), Call)
    assert isinstance(may_call(case(), local("2026-11-23 18:00")), Wait)


def test_sunday_00_30_in_berlin_is_saturday_22_30_in_utc_in_summer_and_no_call() -> None:
    rules = replace(RULES, windows=(Window(0, 1440),), weekdays=frozenset(range(1, 8)))
    decision = may_call(case(rules=rules), datetime(2026, 7, 4, 22, 30, tzinfo=UTC))
    assert waits_until(decision) == "2026-07-06 00:00"
    assert codes(decision) == ["sunday"]


def test_saturday_evening_leads_to_monday_morning() -> None:
    decision = may_call(case(), local("2026-11-21 18:00"))
    assert waits_until(decision) == "2026-11-23 09:00"
    assert codes(decision) == ["window", "sunday"]


def test_no_setting_allows_a_sunday() -> None:
    rules = replace(RULES, weekdays=frozenset({7}))
    assert isinstance(may_call(case(rules=rules), local("2026-11-22 10:00")), Hold)
    rules = replace(RULES, weekdays=frozenset(range(1, 8)))
    assert codes(may_call(case(rules=rules), local("2026-11-22 10:00")))[0] == "sunday"


def test_a_window_may_end_at_24_00() -> None:
    rules = replace(RULES, windows=(Window(20 * 60, 1440),))
    assert isinstance(may_call(case(rules=rules), local("2026-11-23 23:59:59")), Call)
    assert waits_until(may_call(case(rules=rules), local("2026-11-24 00:00"))) == "2026-11-24 20:00"


def test_windows_that_touch_at_midnight_make_one_stretch() -> None:
    rules = replace(RULES, windows=(Window(0, 60), Window(1380, 1440)))
    assert isinstance(may_call(case(rules=rules), local("2026-11-24 00:00")), Call)


def in_cairo(window: Window) -> Situation:
    """Cairo's clocks change at midnight, on a Friday in spring and on a Thursday in autumn."""
    rules = replace(RULES, time_zone="Africa/Cairo", observe_public_holidays=False, windows=(window,))
    return case(rules=rules, number=SATELLITE)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(0, 60), "2026-04-25 00:00"),  # the whole of it is skipped
        (Window(15, 45), "2026-04-25 00:15"),
        (Window(30, 120), "2026-04-24 01:00"),  # it opens inside the skipped hour
        (Window(60, 120), "2026-04-24 01:00"),
    ],
)
def test_an_hour_that_a_clock_change_skips_does_not_exist(window: Window, expected: str) -> None:
    decision = may_call(in_cairo(window), local("2026-04-23 22:30", "Africa/Cairo"))
    assert waits_until(decision, "Africa/Cairo") == expected


def test_a_window_that_closes_inside_the_skipped_hour_closes_before_it() -> None:
    # Gaza skipped 02:00 on Saturday, 20 April 2024.
    rules = replace(RULES, time_zone="Asia/Gaza", observe_public_holidays=False, windows=(Window(60, 150),))
    situation = case(rules=rules, number=SATELLITE)
    assert isinstance(may_call(situation, local("2024-04-20 01:59", "Asia/Gaza")), Call)
    decision = may_call(situation, local("2024-04-20 03:00", "Asia/Gaza"))
    assert waits_until(decision, "Asia/Gaza") == "2024-04-22 01:00"


def test_a_window_behind_the_skipped_hour_opens_by_the_clock_not_by_the_count_of_hours() -> None:
    rules = replace(RULES, time_zone="Asia/Gaza", observe_public_holidays=False, windows=(Window(180, 360),))
    decision = may_call(case(rules=rules, number=SATELLITE), local("2024-04-20 00:30", "Asia/Gaza"))
    assert waits_until(decision, "Asia/Gaza") == "2024-04-20 03:00"


def test_an_hour_that_a_clock_change_repeats_is_callable_both_times() -> None:
    # On Thursday, 29 October 2026, 20:00 UTC and 21:00 UTC are both 23:00.
    situation = in_cairo(Window(1380, 1410))
    first, second = datetime(2026, 10, 29, 20, 0, tzinfo=UTC), datetime(2026, 10, 29, 21, 0, tzinfo=UTC)
    assert isinstance(may_call(situation, first), Call)
    assert isinstance(may_call(situation, second), Call)
    between = may_call(situation, first + timedelta(minutes=30))
    assert isinstance(between, Wait)
    assert between.at == second


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_the_companys_day_is_its_own_at_the_ends_of_the_earth(zone: str) -> None:
    rules = replace(RULES, time_zone=zone, observe_public_holidays=False)
    monday, saturday = local("2026-11-23 09:00", zone), local("2026-11-21 18:00", zone)
    assert isinstance(may_call(case(rules=rules, number=SATELLITE), monday), Call)
    decision = may_call(case(rules=rules, number=SATELLITE), saturday)
    assert waits_until(decision, zone) == "2026-11-23 09:00"


def test_a_day_that_never_was_is_not_waited_for() -> None:
    # Samoa went from Thursday, 29 December 2011, to Saturday.
    rules = replace(RULES, time_zone="Pacific/Apia", observe_public_holidays=False, weekdays=frozenset({4, 5}))
    evening = local("2011-12-29 20:00", "Pacific/Apia")
    decision = may_call(case(rules=rules, number=SATELLITE), evening)
    assert waits_until(decision, "Pacific/Apia") == "2012-01-05 09:00"


def test_the_leap_day_is_a_day() -> None:
    assert waits_until(may_call(case(), local("2028-02-28 18:00"))) == "2028-02-29 09:00"


def test_closed_days_and_holidays_lead_over_the_year_end() -> None:
    rules = replace(RULES, closed_days=frozenset({date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 2)}))
    decision = may_call(case(rules=rules), local("2026-12-23 18:00"))
    assert waits_until(decision) == "2026-12-28 09:00"
    assert codes(decision) == ["window", "closed_day", "holiday", "holiday", "sunday"]
    assert waits_until(may_call(case(rules=rules), local("2026-12-30 18:00"))) == "2027-01-04 09:00"


def test_a_holiday_is_one_of_the_companys_own_part_of_the_country() -> None:
    corpus_christi = local("2026-06-04 10:00")
    assert "holiday" in codes(may_call(case(), corpus_christi))
    assert isinstance(may_call(case(rules=replace(RULES, subdivision="BE")), corpus_christi), Call)
    assert isinstance(may_call(case(rules=replace(RULES, observe_public_holidays=False)), corpus_christi), Call)


# The candidate's own clock


def test_nobody_is_rung_before_eight_or_from_twenty_where_the_number_is() -> None:
    decision = may_call(case(number=NEW_YORK), local("2026-11-23 09:00"))
    assert waits_until(decision) == "2026-11-23 14:00"
    assert codes(decision) == ["callee_clock"]


def test_a_number_that_may_be_anywhere_follows_the_companys_hours_alone() -> None:
    assert isinstance(may_call(case(number="+18005550199"), local("2026-11-24 09:00")), Call)
    assert isinstance(may_call(case(number=SATELLITE), local("2026-11-23 09:00")), Call)


def test_a_sunday_at_the_candidates_place_is_a_sunday() -> None:
    rules = replace(RULES, time_zone="America/Los_Angeles", observe_public_holidays=False)
    decision = may_call(case(rules=rules, number="+6493001234"), local("2026-11-21 12:00", "America/Los_Angeles"))
    assert codes(decision)[0] == "sunday"
    assert waits_until(decision, "America/Los_Angeles") == "2026-11-23 11:00"


def test_a_number_with_several_zones_that_all_have_sunday_is_not_called() -> None:
    rules = replace(RULES, time_zone="America/Los_Angeles", observe_public_holidays=False)
    decision = may_call(case(rules=rules, number="+61412345678"), local("2026-11-21 12:00", "America/Los_Angeles"))
    assert codes(decision)[0] == "sunday"


@pytest.mark.parametrize(("number", "at"), [("+79161234567", "2026-11-21 17:00"), ("+18005550199", "2026-11-23 09:00")])
def test_a_number_that_may_be_where_it_is_sunday_is_not_called(number: str, at: str) -> None:
    decision = may_call(case(number=number), local(at))
    assert codes(decision)[0] == "sunday"
    assert decision.rules[0].says == "It is Sunday where the candidate is, or may be."


def test_a_place_with_the_companys_own_time_is_called_at_the_companys_hours() -> None:
    rules = replace(RULES, time_zone="Europe/Vienna", country="AT", subdivision="9", windows=(Window(0, 1440),))
    assert isinstance(may_call(case(rules=rules), local("2026-11-23 21:00")), Call)


def test_a_clock_change_after_which_both_show_the_same_time_leaves_the_company_alone() -> None:
    # Amman went back to Cairo's time in the night to Friday, 29 October 2021, at 22:00 UTC.
    rules = replace(RULES, time_zone="Asia/Amman", observe_public_holidays=False, windows=(Window(0, 1440),))
    decision = may_call(case(rules=rules, number="+20221234567"), datetime(2021, 10, 28, 21, 30, tzinfo=UTC))
    assert isinstance(decision, Wait)
    assert decision.at == datetime(2021, 10, 28, 22, 0, tzinfo=UTC)


def test_hours_that_never_meet_the_candidates_hold_the_outreach() -> None:
    rules = replace(RULES, windows=(Window(9 * 60, 10 * 60),))
    decision = may_call(case(rules=rules, number=NEW_YORK), local("2026-11-23 09:00"))
    assert isinstance(decision, Hold)
    assert set(codes(decision)) >= {"window", "callee_clock"}


# How often, and how soon again


def test_the_first_call_is_due_three_minutes_after_the_entry() -> None:
    decision = may_call(case(entered_at=local("2026-11-23 10:00")), local("2026-11-23 10:00"))
    assert waits_until(decision) == "2026-11-23 10:03"
    assert codes(decision) == ["pause"]


def test_attempts_per_day_are_counted_on_the_local_date_not_in_utc() -> None:
    rules = replace(RULES, windows=(Window(0, 1440),), attempts_per_day=1)
    late = case(("2026-11-24 00:10", D.BUSY), rules=rules)
    assert waits_until(may_call(late, local("2026-11-24 12:00"))) == "2026-11-25 00:00"
    early = case(("2026-11-23 23:50", D.BUSY), rules=rules)
    assert isinstance(may_call(early, local("2026-11-24 00:05")), Call)


def test_what_does_not_count_uses_up_neither_the_day_nor_the_maximum() -> None:
    past = [(f"2026-11-23 {9 + hour:02}:00", D.TECHNICAL_FAILURE) for hour in range(5)]
    assert isinstance(may_call(case(*past, rules=replace(RULES, max_attempts=1)), local("2026-11-23 16:00")), Call)


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (D.BUSY, "2026-11-23 09:45"),
        (D.VOICEMAIL, "2026-11-24 09:00"),
        (D.NO_ANSWER, "2026-11-23 14:00"),
        (D.HUNG_UP, "2026-11-23 14:00"),
        (D.PARTLY_INTERVIEWED, "2026-11-23 14:00"),
        (D.CANCELLED, "2026-11-23 14:00"),
        (D.WRONG_PERSON, "2026-11-23 14:00"),
        (D.INVALID_NUMBER, None),
        (D.TECHNICAL_FAILURE, "2026-11-23 09:35"),
        (D.NOT_PLACED, "2026-11-23 09:35"),
    ],
)
def test_each_disposition_has_its_pause(disposition: Disposition, expected: str | None) -> None:
    rules = replace(RULES, windows=MORNING_AND_AFTERNOON)
    decision = may_call(case(("2026-11-23 09:30", disposition), rules=rules), local("2026-11-23 09:31"))
    assert decision == Call() if expected is None else waits_until(decision) == expected


def test_the_next_call_is_at_another_time_of_day() -> None:
    rules = replace(RULES, windows=MORNING_AND_AFTERNOON, attempts_per_day=3)
    decision = may_call(case(("2026-11-23 14:00", D.NO_ANSWER), rules=rules), local("2026-11-23 17:30"))
    assert waits_until(decision) == "2026-11-24 09:00"
    short = replace(rules, pause=timedelta(minutes=10))
    decision = may_call(case(("2026-11-23 09:00", D.NO_ANSWER), rules=short), local("2026-11-23 09:30"))
    assert waits_until(decision) == "2026-11-23 14:00"
    assert codes(decision) == ["pause", "window"]


def test_any_window_will_do_after_a_call_that_fell_into_none() -> None:
    rules = replace(RULES, windows=MORNING_AND_AFTERNOON, pause=timedelta(0))
    assert isinstance(may_call(case(("2026-11-23 13:00", D.NO_ANSWER), rules=rules), local("2026-11-23 14:00")), Call)


def test_the_pause_alone_holds_where_no_other_window_is_permitted_within_a_week() -> None:
    rules = replace(RULES, windows=MORNING_AND_AFTERNOON)
    in_the_afternoon = case(("2026-11-23 14:00", D.NO_ANSWER), rules=rules, number=NEW_YORK)
    assert isinstance(may_call(in_the_afternoon, local("2026-11-23 17:30")), Call)
    monday = case(("2026-11-23 16:00", D.NO_ANSWER), rules=rules)
    nearly_a_week = frozenset(date(2026, 11, day) for day in range(24, 30))
    there_is_one = replace(monday, rules=replace(rules, closed_days=nearly_a_week))
    assert waits_until(may_call(there_is_one, local("2026-11-30 14:00"))) == "2026-12-01 09:00"
    there_is_none = replace(monday, rules=replace(rules, closed_days=nearly_a_week | {date(2026, 11, 30)}))
    assert isinstance(may_call(there_is_none, local("2026-12-01 14:00")), Call)


def test_a_window_that_the_limits_forbid_for_a_week_is_not_waited_for() -> None:
    rules = replace(RULES, windows=MORNING_AND_AFTERNOON, max_per_30_days=1)
    once = case(("2026-11-24 10:00", D.NO_ANSWER), rules=rules)
    assert waits_until(may_call(once, local("2026-11-24 14:00"))) == "2026-12-24 10:00"


def test_the_first_delay_is_not_asked_for_again_after_a_call_that_failed() -> None:
    rules = replace(RULES, first_call_delay=timedelta(hours=1))
    failed = case(("2026-11-23 10:04", D.TECHNICAL_FAILURE), rules=rules, entered_at=local("2026-11-23 10:00"))
    assert waits_until(may_call(failed, local("2026-11-23 10:05"))) == "2026-11-23 10:09"


@pytest.mark.parametrize(("failures", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (9, 60)])
def test_failures_in_a_row_wait_longer_and_longer(failures: int, minutes: int) -> None:
    kinds = (D.TECHNICAL_FAILURE, D.NOT_PLACED)
    past = [(f"2026-11-23 09:0{nth}", kinds[nth % 2]) for nth in range(failures)]
    decision = may_call(case(*past), local("2026-11-23 09:10"))
    due = local(past[-1][0]) + timedelta(minutes=minutes)
    assert isinstance(decision, Call) if due <= local("2026-11-23 09:10") else decision.rules[0].until == due


def test_failures_add_their_pause_to_that_of_the_last_counted_call() -> None:
    past = (("2026-11-23 09:00", D.BUSY), ("2026-11-23 09:14", D.TECHNICAL_FAILURE))
    assert waits_until(may_call(case(*past), local("2026-11-23 09:14"))) == "2026-11-23 09:19"
    past = (("2026-11-23 09:00", D.NO_ANSWER), ("2026-11-23 09:14", D.TECHNICAL_FAILURE))
    assert waits_until(may_call(case(*past), local("2026-11-23 09:14"))) == "2026-11-23 12:00"


def test_ten_technical_failures_in_a_row_hold_the_outreach_for_a_person() -> None:
    past = [(f"2026-11-23 09:{nth:02}", D.TECHNICAL_FAILURE) for nth in range(10)]
    decision = may_call(case(*past), local("2026-11-27 10:00"))
    assert isinstance(decision, Hold)
    assert codes(decision) == ["technical_failure"]
    assert isinstance(may_call(case(*past[1:]), local("2026-11-27 10:00")), Call)
    assert isinstance(
        may_call(case(*past[:5], ("2026-11-23 10:00", D.BUSY), *past[5:]), local("2026-11-27 10:00")), Call
    )


def test_five_retry_rules_with_a_maximum_of_one_give_one_call() -> None:
    for disposition in (D.BUSY, D.NO_ANSWER, D.VOICEMAIL, D.CANCELLED, D.PARTLY_INTERVIEWED):
        once = case(("2026-11-23 10:00", disposition), rules=replace(RULES, max_attempts=1))
        assert isinstance(may_call(once, local("2026-11-24 10:00")), Never)


# What ends it


@pytest.mark.parametrize(
    ("past", "outcome"),
    [
        ([D.INTERVIEWED], Outcome.COMPLETED),
        ([D.APPOINTMENT_BOOKED], Outcome.COMPLETED),
        ([D.DECLINED], Outcome.REFUSED),
        ([D.OPTED_OUT], Outcome.REFUSED),
        ([D.HUNG_UP, D.NO_ANSWER, D.HUNG_UP], Outcome.REFUSED),
        ([D.HUMAN_REQUESTED], Outcome.HUMAN_REQUESTED),
        ([D.NO_ANSWER, D.BUSY, D.VOICEMAIL, D.CANCELLED], Outcome.EXHAUSTED),
        ([D.WRONG_PERSON, D.BUSY, D.VOICEMAIL, D.NO_ANSWER], Outcome.EXHAUSTED),
        ([D.HUNG_UP, D.BUSY, D.VOICEMAIL, D.NO_ANSWER], Outcome.UNFINISHED),
        ([D.PARTLY_INTERVIEWED] * 4, Outcome.UNFINISHED),
        ([D.HUNG_UP], None),
        ([D.NO_ANSWER] * 3, None),
        ([D.INVALID_NUMBER] * 5, None),
    ],
)
def test_the_attempts_say_how_the_outreach_ends(past: Sequence[Disposition], outcome: Outcome | None) -> None:
    attempts = [(f"2026-11-{10 + nth} 10:00", disposition) for nth, disposition in enumerate(past)]
    decision = may_call(case(*attempts), local("2026-11-23 10:00"))
    assert (decision.outcome if isinstance(decision, Never) else None) is outcome


def test_the_order_in_which_attempts_are_told_makes_no_difference() -> None:
    past = (("2026-11-20 10:00", D.NO_ANSWER), ("2026-11-23 09:30", D.VOICEMAIL), ("2026-11-21 10:00", D.BUSY))
    now = local("2026-11-23 10:00")
    assert may_call(case(*past), now) == may_call(case(*reversed(past)), now)


def test_a_person_who_said_no_is_never_called_whatever_else_holds() -> None:
    callback = local("2026-11-23 10:00")
    decision = may_call(case(opted_out=True, callback_at=callback), callback)
    assert isinstance(decision, Never)
    assert decision.outcome is Outcome.REFUSED
    assert codes(decision) == ["opted_out"]


def test_without_a_number_nobody_is_called() -> None:
    decision = may_call(case(number=None), local("2026-11-23 10:00"))
    assert isinstance(decision, Never)
    assert decision.outcome is Outcome.UNCALLABLE


# What the settings cause never ends anybody, and never fails open


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"weekdays": frozenset()}, "weekday"),
        ({"windows": ()}, "window"),
        ({"windows": (Window(18 * 60, 9 * 60),)}, "window"),
        ({"windows": (Window(9 * 60, 12 * 60), Window(11 * 60, 18 * 60))}, "window"),
        ({"windows": (Window(9 * 60, 1441),)}, "window"),
        ({"windows": (Window(14 * 60, 18 * 60), Window(9 * 60, 12 * 60))}, "window"),
        ({"country": "QQ"}, "holiday"),
        ({"subdivision": "QQ"}, "holiday"),
        ({"max_attempts": 0}, "maximum"),
        ({"attempts_per_day": 0}, "per_day"),
        ({"pause": -MINUTE}, "pause"),
        ({"closed_days": frozenset(date(2026, 11, 20) + timedelta(n) for n in range(500))}, "closed_day"),
    ],
)
def test_settings_that_allow_no_call_hold(changed: dict[str, object], code: str) -> None:
    rules = replace(RULES, **changed)  # type: ignore[arg-type]
    decision = may_call(Situation(rules, MOBILE, None), local("2026-11-23 10:00"))
    assert isinstance(decision, Hold)
    assert code in codes(decision)
    assert all(rule.until is None for rule in decision.rules)


def test_a_maximum_below_one_ends_nobody() -> None:
    decision = may_call(
        case(("2026-11-20 10:00", D.NO_ANSWER), rules=replace(RULES, max_attempts=0)), local("2026-11-23 10:00")
    )
    assert isinstance(decision, Hold)


def test_unknown_holidays_matter_only_where_holidays_are_observed() -> None:
    rules = replace(RULES, country="QQ", observe_public_holidays=False)
    assert isinstance(may_call(case(rules=rules), local("2026-11-23 10:00")), Call)


# Which number is next


def test_the_next_number_follows_one_that_is_not_in_service_or_somebody_elses() -> None:
    first, second, third = MOBILE, "+4952112345", "+4915187654321"
    numbers = (first, second, third)
    past = PastAttempt(local("2026-11-23 10:00"), D.INVALID_NUMBER, first)
    assert next_number(numbers, ()) == first
    assert next_number(numbers, (past,)) == second
    assert next_number(numbers, (past, replace(past, disposition=D.NO_ANSWER, number=second))) == second
    assert next_number(numbers, (past, replace(past, disposition=D.WRONG_PERSON, number=second))) == third
    assert next_number((first,), (past,)) is None
    assert next_number((), ()) is None


def test_a_corrected_number_opens_the_way_again() -> None:
    past = PastAttempt(local("2026-11-23 10:00"), D.INVALID_NUMBER, MOBILE)
    assert next_number(("+4915187654321",), (past,)) == "+4915187654321"


def test_an_attempt_that_does_not_say_its_number_was_made_to_the_one_then_next() -> None:
    past = [PastAttempt(local(f"2026-11-23 1{nth}:00"), D.INVALID_NUMBER) for nth in range(2)]
    assert next_number(("+4915112345678", "+4952112345", "+4915187654321"), past) == "+4915187654321"


def test_ten_thousand_people_are_planned_in_seconds() -> None:
    past = (("2026-11-20 10:00", D.NO_ANSWER), ("2026-11-21 10:00", D.NO_ANSWER))
    somebody, now = case(*past, rules=replace(RULES, windows=MORNING_AND_AFTERNOON)), local("2026-11-21 13:30")
    people = [replace(somebody, number=f"+49151{12345678 + nth}") for nth in range(10_000)]
    started = process_time()
    for person in people:
        may_call(person, now)
    assert process_time() - started < 8.0
