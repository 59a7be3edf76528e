"""One decision of the calling rule, compared with the slow oracle's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings

from klara_daemon.domain.attempt_policy import Call, Decision, Hold, Never, Situation, Wait, may_call
from tests.domain import oracle
from tests.domain.cases import MINUTE


def examples(number: int) -> settings:
    """So many examples, however long one takes."""
    return settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Those of the page, what else the settings can be wrong in, and what a candidate can have said.
CODES = {
    "weekday", "sunday", "holiday", "closed_day", "window", "callee_clock", "per_day", "maximum", "number_busy",
    "number_per_day", "number_per_30_days", "pause", "callback", "opted_out", "left_stage", "offer_closed",
    "trunk_full", "company_full", "paused", "time_zone", "no_number", "technical_failure", "interviewed",
    "appointment_booked", "declined", "human_requested", "hung_up",
}  # fmt: skip


def agrees_with_the_oracle(situation: Situation, now: datetime, horizon: timedelta) -> None:
    """Compare one decision."""
    decision = may_call(situation, now)
    says_why(decision)
    ended = oracle.outcome(situation)
    if ended is not None:
        assert isinstance(decision, Never)
        assert decision.outcome == ended
        return
    if oracle.is_held(situation):
        assert isinstance(decision, Hold)
        return
    found = oracle.first_permitted(situation, now, horizon)
    match decision:
        case Call():
            assert found == now
        case Wait(at):
            assert found == (at if at < now + horizon else None)
            assert oracle.permits(situation, at)
            assert situation.lines or not oracle.permits(situation, at - MINUTE)
        case Hold():
            assert found is None
        case Never():
            pytest.fail("the oracle says that the outreach goes on")


def says_why(decision: Decision) -> None:
    """Whatever is not a call names its rules, by codes that are known, and until when they forbid."""
    assert decision.rules or isinstance(decision, Call)
    assert {says.code for says in decision.rules} <= CODES
    if isinstance(decision, Wait):
        assert all(says.until is not None and says.until <= decision.at for says in decision.rules)
    if isinstance(decision, Hold | Never):
        assert all(says.until is None for says in decision.rules)
