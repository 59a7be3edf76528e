"""Rule 11, and of rule 6 what is asked at the moment of a dial: a full line defers, a pause holds, nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.attempt_policy import Call, Hold, Never, Situation, Wait, may_call
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.lines import Lines, Pause
from tests.domain.cases import RULES, case, codes, local, waits_until
from tests.domain.situations import lines, working_days

FREE = Lines(trunk_calls=1, trunk_limit=2, company_calls=1, company_limit=2)
MONDAY = local("2026-11-23 10:00")
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "free",
    [
        FREE,
        replace(FREE, company_calls=500, company_limit=None),
        replace(FREE, slot_in=5 * SECOND),
        replace(FREE, pause=Pause("The phone company failed.", timedelta(0))),
    ],
)
def test_a_call_starts_while_there_is_a_line_for_it(free: Lines) -> None:
    assert may_call(case(lines=free), MONDAY) == Call()


@pytest.mark.parametrize(
    ("taken", "code", "looks_again_in"),
    [
        (replace(FREE, trunk_calls=2), "trunk_full", 2 * SECOND),
        (replace(FREE, trunk_calls=3), "trunk_full", 2 * SECOND),
        (replace(FREE, trunk_calls=0, trunk_limit=0), "trunk_full", 2 * SECOND),
        (replace(FREE, slot_in=6 * SECOND), "trunk_full", 6 * SECOND),
        (replace(FREE, company_calls=2), "company_full", 2 * SECOND),
        (replace(FREE, company_calls=3), "company_full", 2 * SECOND),
        (replace(FREE, number_is_busy=True), "number_busy", 60 * SECOND),
        (replace(FREE, pause=Pause("The phone company failed.", 300 * SECOND)), "paused", 300 * SECOND),
    ],
)
def test_a_line_that_is_taken_defers_the_call_and_says_so(taken: Lines, code: str, looks_again_in: timedelta) -> None:
    decision = may_call(case(lines=taken), MONDAY)
    assert isinstance(decision, Wait)
    assert decision.at == MONDAY + looks_again_in
    assert codes(decision) == [code]


def test_every_line_that_is_taken_is_named_and_the_longest_wait_counts() -> None:
    taken = Lines(2, 2, company_calls=1, company_limit=1, number_is_busy=True, pause=Pause("Trunk down.", 90 * SECOND))
    decision = may_call(case(lines=taken), MONDAY)
    assert isinstance(decision, Wait)
    assert decision.at == MONDAY + 90 * SECOND
    assert codes(decision) == ["paused", "number_busy", "trunk_full", "company_full"]


def test_a_pause_without_an_end_holds_until_somebody_ends_it() -> None:
    decision = may_call(case(lines=replace(FREE, pause=Pause("Somebody paused calling."))), MONDAY)
    assert isinstance(decision, Hold)
    assert codes(decision) == ["paused"]
    assert isinstance(may_call(case(lines=FREE), MONDAY), Call)


def test_a_call_that_waits_for_a_line_past_its_window_is_planned_anew() -> None:
    closing = local("2026-11-23 17:59:59")
    decision = may_call(case(lines=replace(FREE, trunk_calls=2)), closing)
    assert waits_until(decision) == "2026-11-24 09:00"
    assert codes(decision) == ["trunk_full", "window"]


def test_free_lines_open_no_closed_door() -> None:
    assert "sunday" in codes(may_call(case(lines=FREE), local("2026-11-22 10:00")))
    opted_out = may_call(case(lines=replace(FREE, pause=Pause("Somebody paused calling.")), opted_out=True), MONDAY)
    assert isinstance(opted_out, Never)


def test_taken_lines_cost_nobody_an_attempt() -> None:
    last_one = case(("2026-11-20 10:00", Disposition.BUSY), rules=replace(RULES, max_attempts=2), lines=Lines(9, 9))
    assert isinstance(may_call(last_one, MONDAY), Wait)


@given(working_days(), lines())
def test_lines_only_ever_make_a_call_later(drawn: tuple[Situation, datetime], taken: Lines) -> None:
    situation, now = replace(drawn[0], lines=None), drawn[1]
    plan, dial = may_call(situation, now), may_call(replace(situation, lines=taken), now)
    match dial:
        case Never():
            assert plan == dial
        case Hold():
            assert isinstance(plan, Hold) or (taken.pause is not None and taken.pause.lasts is None)
        case Wait(at):
            assert isinstance(plan, Call) or (isinstance(plan, Wait) and at >= plan.at)
        case Call():
            assert isinstance(plan, Call)


@given(st.integers(0, 3), st.integers(0, 3))
def test_a_trunk_takes_so_many_calls_at_once_and_not_one_more(under_way: int, limit: int) -> None:
    decision = may_call(case(lines=Lines(under_way, limit)), MONDAY)
    assert isinstance(decision, Call) == (under_way < limit)
