"""How the calls that a change of the settings moves are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from klara_daemon.domain.attempt_policy import Call, Decision, Hold, Never, Wait
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.replanning import Moves

NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
"""In Berlin half past eleven at night."""
SOON, TOMORROW, DAYS_LATER = NOW + timedelta(minutes=20), NOW + timedelta(minutes=40), NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("before", "decision", "moves"),
    [
        (TOMORROW, Wait(TOMORROW, ()), Moves(asked=1)),
        (TOMORROW, Wait(DAYS_LATER, ()), Moves(asked=1, moved=1)),
        (TOMORROW, Wait(SOON, ()), Moves(asked=1, moved=1, to_today=1)),
        (SOON, Call(), Moves(asked=1, moved=1)),
        (DAYS_LATER, Call(), Moves(asked=1, moved=1, to_today=1)),
        (NOW - timedelta(hours=1), Call(), Moves(asked=1)),
        (NOW, Call(), Moves(asked=1)),
        (NOW - timedelta(hours=1), Wait(TOMORROW, ()), Moves(asked=1, moved=1)),
        (None, Wait(SOON, ()), Moves(asked=1, moved=1, to_today=1, freed=1)),
        (None, Hold(()), Moves(asked=1)),
        (SOON, Hold(()), Moves(asked=1, held=1)),
        (None, Never(Outcome.EXHAUSTED, ()), Moves(asked=1, ended=1)),
    ],
)
def test_each_call_is_counted_as_what_becomes_of_it(before: datetime | None, decision: Decision, moves: Moves) -> None:
    found = Moves()
    found.count(before, decision, NOW, "Europe/Berlin")
    assert found == moves


def test_many_add_up() -> None:
    found = Moves()
    for before in (SOON, TOMORROW, None):
        found.count(before, Wait(SOON, ()), NOW, "Europe/Berlin")
    assert found == Moves(asked=3, moved=2, to_today=2, freed=1)
