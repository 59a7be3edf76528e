"""Who begins and who ends a stay in a watched stage, decided from one reading of the candidate."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

FIRST_LOOK_IN_TIME = timedelta(minutes=5)
"""From the moment at which the settings name a stage. Whoever is there at a later first look may have come between."""


#: Recruitee's words for the status of an offer for which nobody is wanted any more.
CLOSED_OFFER = frozenset({"closed", "archived"})


class Leaving(StrEnum):
    """Why a stay ended."""

    LEFT_STAGE = "left_stage"
    DISQUALIFIED = "disqualified"
    HIRED = "hired"
    DELETED = "deleted"
    NO_LONGER_WATCHED = "no_longer_watched"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one placement of the candidate stands, as read. `stage_id` is None when Recruitee names none."""

    placement_id: int
    offer_id: int
    stage_id: int | None
    disqualified: bool
    hired: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A stage that is watched."""

    offer_id: int
    stage_id: int


@dataclass(frozen=True, slots=True)
class OpenStay:
    """A stay that we believe to go on."""

    id: UUID
    placement_id: int
    place: Place


@dataclass(frozen=True, slots=True)
class Enter:
    """Begin a stay."""

    placement_id: int
    place: Place


@dataclass(frozen=True, slots=True)
class Leave:
    """End a stay."""

    stay_id: UUID
    because: Leaving


def changes(
    standings: Collection[Standing] | None, watched: Collection[Place], open_stays: Iterable[OpenStay]
) -> tuple[Enter | Leave, ...]:
    """What a reading changes; `standings` is None when the candidate is gone.

    Somebody who was hired in any job is called for none (rule `left_stage` of the calling rule).
    """
    if standings is None:
        return tuple(Leave(stay.id, Leaving.DELETED) for stay in open_stays)
    hired = any(standing.hired for standing in standings)
    callable_ = {
        (standing.placement_id, Place(standing.offer_id, standing.stage_id))
        for standing in standings
        if standing.stage_id is not None and not standing.disqualified and not hired
    }
    by_placement = {standing.placement_id: standing for standing in standings}
    known = {(stay.placement_id, stay.place): stay for stay in open_stays}
    leaving = [
        Leave(stay.id, _reason(by_placement.get(stay.placement_id), hired=hired))
        for key, stay in known.items()
        if key not in callable_
    ]
    entering = [
        Enter(placement_id, place)
        for placement_id, place in sorted(callable_ - known.keys(), key=lambda key: key[0])
        if place in watched
    ]
    return (*leaving, *entering)


def _reason(standing: Standing | None, *, hired: bool) -> Leaving:
    if hired:
        return Leaving.HIRED
    if standing is not None and standing.disqualified:
        return Leaving.DISQUALIFIED
    return Leaving.LEFT_STAGE
