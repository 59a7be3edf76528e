"""Where a placement is moved when its outreach has ended, and when it is not: people win, nobody is hired by a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.moves import Column, Move, Moved, NoMove, Standing, Wish, decide_move, wants_move

APPLIED, CALL, MEETING, HIRED = (
    Column(1, "Beworben", -1, is_hired=False),
    Column(2, "Telefon", 1, is_hired=False),
    Column(3, "Gespräch", 2, is_hired=False),
    Column(4, "Eingestellt", 3, is_hired=True),
)
PIPELINE = (HIRED, MEETING, CALL, APPLIED)
"""In no order: positions alone count."""
NEXT = Wish("next", None, also_when_only_reached=False)
THERE = Standing(CALL.id, disqualified=False, hired=False)


def stage(stage_id: int) -> Wish:
    """Move into this stage."""
    return Wish("stage", stage_id, also_when_only_reached=False)


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("reached", [False, True])
def test_only_a_completed_outreach_moves_or_where_wanted_one_that_was_reached(outcome: Outcome, reached: bool) -> None:
    wanted = outcome is Outcome.COMPLETED or (reached and outcome is Outcome.UNFINISHED)
    assert wants_move(Wish("next", None, reached), outcome) is wanted
    assert not wants_move(Wish("none", None, reached), outcome)
    assert not wants_move(None, outcome)


def test_next_is_the_stage_with_the_next_position() -> None:
    assert decide_move(NEXT, Outcome.COMPLETED, CALL.id, THERE, PIPELINE) == Move(MEETING)


def test_next_may_skip_numbers() -> None:
    far = Column(9, "Später", 40, is_hired=False)
    assert decide_move(NEXT, Outcome.COMPLETED, CALL.id, THERE, (CALL, far)) == Move(far)


def test_an_explicit_stage_may_lie_before() -> None:
    assert decide_move(stage(APPLIED.id), Outcome.COMPLETED, CALL.id, THERE, PIPELINE) == Move(APPLIED)


def test_who_stands_in_the_target_already_was_moved() -> None:
    there = Standing(MEETING.id, disqualified=False, hired=False)
    assert decide_move(NEXT, Outcome.COMPLETED, CALL.id, there, PIPELINE) == Moved(MEETING)


@pytest.mark.parametrize(
    ("wish", "now", "pipeline", "code"),
    [
        (NEXT, None, PIPELINE, "candidate_gone"),
        (NEXT, THERE, (), "target_gone"),
        (NEXT, THERE, (APPLIED, CALL), "target_gone"),
        (NEXT, THERE, (MEETING, HIRED), "target_gone"),
        (stage(4711), THERE, PIPELINE, "target_gone"),
        (NEXT, Standing(CALL.id, disqualified=True, hired=False), PIPELINE, "disqualified"),
        (NEXT, Standing(MEETING.id, disqualified=True, hired=False), PIPELINE, "disqualified"),
        (NEXT, Standing(APPLIED.id, disqualified=False, hired=False), PIPELINE, "moved_by_somebody"),
        (NEXT, Standing(None, disqualified=False, hired=False), PIPELINE, "moved_by_somebody"),
        (NEXT, Standing(CALL.id, disqualified=False, hired=True), PIPELINE, "moved_by_somebody"),
        (stage(HIRED.id), THERE, PIPELINE, "hired_stage"),
        (NEXT, THERE, (CALL, HIRED), "hired_stage"),
    ],
)
def test_why_there_is_no_move(wish: Wish, now: Standing | None, pipeline: tuple[Column, ...], code: str) -> None:
    decision = decide_move(wish, Outcome.COMPLETED, CALL.id, now, pipeline)
    assert isinstance(decision, NoMove)
    assert (decision.code, decision.wanted) == (code, True)
    assert decision.says.endswith(".")


def test_a_move_that_nobody_wanted_is_no_matter() -> None:
    decision = decide_move(NEXT, Outcome.EXHAUSTED, CALL.id, THERE, PIPELINE)
    assert isinstance(decision, NoMove)
    assert not decision.wanted


_columns = st.lists(
    st.builds(Column, st.integers(1, 6), st.just("x"), st.integers(-1, 5), st.booleans()),
    max_size=6,
    unique_by=(lambda column: column.id, lambda column: column.position),
)
_wishes = st.builds(Wish, st.sampled_from(["next", "none", "stage"]), st.integers(1, 7), st.booleans())
_standings = st.none() | st.builds(Standing, st.none() | st.integers(1, 7), st.booleans(), st.booleans())


@given(_wishes, st.sampled_from(list(Outcome)), st.integers(1, 6), _standings, _columns)
def test_a_move_is_made_only_from_the_watched_stage_of_somebody_who_is_open(
    wish: Wish, outcome: Outcome, from_stage: int, now: Standing | None, pipeline: list[Column]
) -> None:
    decision = decide_move(wish, outcome, from_stage, now, pipeline)
    if isinstance(decision, Move):
        assert now == Standing(from_stage, disqualified=False, hired=False)
        assert wants_move(wish, outcome)
        assert decision.to in pipeline
        assert not decision.to.is_hired
        assert decision.to.id != from_stage
        after = Standing(decision.to.id, disqualified=False, hired=False)
        assert decide_move(wish, outcome, from_stage, after, pipeline) == Moved(decision.to), "made once"
