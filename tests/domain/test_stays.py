"""Who begins and who ends a stay, from one reading; held against a slow and obvious oracle."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.stays import Enter, Leave, Leaving, OpenStay, Place, Standing, changes

OFFER, CALL, OTHER = 1, 10, 11
WATCHED = Place(OFFER, CALL)


def standing(
    placement_id: int = 7, stage_id: int | None = CALL, *, offer_id: int = OFFER, out: bool = False, hired: bool = False
) -> Standing:
    """A placement as read; in the watched stage unless said otherwise."""
    return Standing(placement_id, offer_id, stage_id, disqualified=out, hired=hired)


def stay(number: int = 1, placement_id: int = 7, place: Place = WATCHED) -> OpenStay:
    """A stay that goes on."""
    return OpenStay(UUID(int=number), placement_id, place)


def test_who_stands_in_a_watched_stage_enters() -> None:
    assert changes([standing()], [WATCHED], []) == (Enter(7, WATCHED),)


def test_who_is_known_there_changes_nothing() -> None:
    assert changes([standing()], [WATCHED], [stay()]) == ()


@pytest.mark.parametrize(
    "read",
    [
        standing(stage_id=OTHER),
        standing(stage_id=None),
        standing(offer_id=2),
        standing(out=True),
        standing(hired=True),
    ],
)
def test_who_stands_elsewhere_or_is_out_does_not_enter(read: Standing) -> None:
    assert changes([read], [WATCHED], []) == ()


@pytest.mark.parametrize(
    ("read", "because"),
    [
        ([standing(stage_id=OTHER)], Leaving.LEFT_STAGE),
        ([standing(stage_id=None)], Leaving.LEFT_STAGE),
        ([], Leaving.LEFT_STAGE),
        ([standing(8)], Leaving.LEFT_STAGE),
        ([standing(out=True)], Leaving.DISQUALIFIED),
        ([standing(stage_id=OTHER, out=True)], Leaving.DISQUALIFIED),
        ([standing(hired=True)], Leaving.HIRED),
        ([standing(), standing(8, OTHER, offer_id=2, hired=True)], Leaving.HIRED),
        ([standing(out=True), standing(8, OTHER, offer_id=2, hired=True)], Leaving.HIRED),
        (None, Leaving.DELETED),
    ],
)
def test_who_does_not_stand_there_any_more_leaves(read: list[Standing] | None, because: Leaving) -> None:
    leaving = [change for change in changes(read, [WATCHED], [stay()]) if isinstance(change, Leave)]
    assert leaving == [Leave(UUID(int=1), because)]


def test_a_disqualification_in_another_job_is_no_reason() -> None:
    read = [standing(), standing(8, OTHER, offer_id=2, out=True)]
    assert changes(read, [WATCHED], [stay()]) == ()


def test_a_stay_in_a_stage_that_is_watched_no_more_goes_on_until_somebody_ends_it() -> None:
    assert changes([standing()], [], [stay()]) == ()


def test_from_one_watched_stage_to_the_next_is_a_leaving_and_an_entry() -> None:
    next_place = Place(OFFER, OTHER)
    found = changes([standing(stage_id=OTHER)], [WATCHED, next_place], [stay()])
    assert found == (Leave(UUID(int=1), Leaving.LEFT_STAGE), Enter(7, next_place))


_places = st.builds(Place, st.integers(1, 2), st.integers(10, 12))
_standings = st.lists(
    st.builds(
        Standing,
        st.integers(1, 4),
        st.integers(1, 2),
        st.none() | st.integers(10, 12),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=4,
    unique_by=lambda one: one.placement_id,
)
_known = st.lists(st.tuples(st.integers(1, 4), _places), max_size=5, unique=True)


@given(read=st.none() | _standings, watched=st.sets(_places), known=_known)
def test_after_a_reading_the_stays_are_what_was_read(
    read: list[Standing] | None, watched: set[Place], known: list[tuple[int, Place]]
) -> None:
    """Applied to the stays, the changes leave exactly those who stand where they were, and those who newly came."""
    open_stays = [stay(number, placement_id, place) for number, (placement_id, place) in enumerate(known)]
    found = changes(read, watched, open_stays)
    left = {change.stay_id for change in found if isinstance(change, Leave)}
    after = {(one.placement_id, one.place) for one in open_stays if one.id not in left}
    entered = [(change.placement_id, change.place) for change in found if isinstance(change, Enter)]

    anywhere_hired = any(one.hired for one in read or ())
    for placement_id in range(1, 5):
        for offer_id in (1, 2):
            for stage_id in (10, 11, 12):
                key = (placement_id, Place(offer_id, stage_id))
                stands = not anywhere_hired and any(
                    (one.placement_id, one.offer_id, one.stage_id, one.disqualified)
                    == (placement_id, offer_id, stage_id, False)
                    for one in read or ()
                )
                assert (key in after) == (stands and key in known)
                assert entered.count(key) == (stands and key not in known and key[1] in watched)
    again = [stay(number, placement_id, place) for number, (placement_id, place) in enumerate([*after, *entered])]
    assert changes(read, watched, again) == ()
