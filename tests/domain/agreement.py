"""One decision of the calling rule, compared with the slow oracle's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings

from klara_daemon.domain.attempt_policy import Call, Hold, Never, Situation, Wait, may_call
from tests.domain import oracle
from tests.domain.cases import MINUTE


def examples(number: int) -> settings:
    """So many examples, however long one takes."""
    return settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def agrees_with_the_oracle(situation: Situation, now: datetime, horizon: timedelta) -> None:
    """Compare one decision."""
    decision = may_call(situation, now)
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
