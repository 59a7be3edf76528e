"""Whether, and where to, a placement is moved when its outreach has ended. People win; nobody is hired by a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klara_daemon.domain.dispositions import Outcome


@dataclass(frozen=True, slots=True)
class Column:
    """One stage of the offer's pipeline. `position` orders them; `is_hired` for `category: "hire"`."""

    id: int
    name: str
    position: int
    is_hired: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What the watched stage asks for. `target` is `next`, `none` or `stage` (then `target_stage_id`)."""

    target: str
    target_stage_id: int | None
    also_when_only_reached: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the placement stands now, as just read."""

    stage_id: int | None
    disqualified: bool
    hired: bool


@dataclass(frozen=True, slots=True)
class Move:
    """Move the placement to this stage."""

    to: Column


@dataclass(frozen=True, slots=True)
class Moved:
    """The placement stands in its target already: an earlier try got through, or somebody was faster."""

    to: Column


@dataclass(frozen=True, slots=True)
class NoMove:
    """No move, and why: a stable code and a sentence. `wanted` is false when nobody asked for one."""

    code: str
    says: str
    wanted: bool = True


def wants_move(wish: Wish | None, outcome: Outcome) -> bool:
    """Whether this outcome is to be followed by a move at all."""
    if wish is None or wish.target == "none":
        return False
    return outcome is Outcome.COMPLETED or (outcome is Outcome.UNFINISHED and wish.also_when_only_reached)


def decide_move(
    wish: Wish | None, outcome: Outcome, from_stage: int, standing: Standing | None, pipeline: Sequence[Column]
) -> Move | Moved | NoMove:
    """What to do with the placement; `standing` is None when candidate or placement is gone."""
    if wish is None or not wants_move(wish, outcome):
        return NoMove("not_wanted", "No move is wanted after this outcome.", wanted=False)
    target = _target(wish, from_stage, pipeline)
    if standing is None:
        return NoMove("candidate_gone", "The candidate or the placement is no longer there.")
    if target is None:
        return NoMove("target_gone", "The target stage does not exist in the job's pipeline.")
    return _from_here(from_stage, standing, target)


def _from_here(from_stage: int, standing: Standing, target: Column) -> Move | Moved | NoMove:
    if standing.disqualified:
        return NoMove("disqualified", "The candidate is disqualified; a move could revive them.")
    if standing.stage_id == target.id:
        return Moved(target)
    if standing.stage_id != from_stage or standing.hired:
        return NoMove("moved_by_somebody", "Somebody has moved the candidate in the meantime.")
    if target.is_hired:
        return NoMove("hired_stage", "The target is a hired stage; hiring is a person's decision.")
    return Move(target)


def _target(wish: Wish, from_stage: int, pipeline: Sequence[Column]) -> Column | None:
    if wish.target == "stage":
        return next((column for column in pipeline if column.id == wish.target_stage_id), None)
    here = next((column for column in pipeline if column.id == from_stage), None)
    behind = [column for column in pipeline if here is not None and column.position > here.position]
    return min(behind, key=lambda column: column.position, default=None)
