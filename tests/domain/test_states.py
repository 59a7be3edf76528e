"""The states of an outreach and of an attempt: the product page's arrows, and the page that shows them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from klara_daemon.domain.call_progress import advance
from klara_daemon.domain.dispositions import AttemptState, OutreachState
from klara_daemon.domain.states import ATTEMPT_TRANSITIONS, OUTREACH_TRANSITIONS, chapters, diagram

A = AttemptState
PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def test_the_page_shows_the_states_that_the_code_has() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(chapters())


def test_every_state_is_told() -> None:
    assert list(ATTEMPT_TRANSITIONS) == list(AttemptState)
    assert list(OUTREACH_TRANSITIONS) == list(OutreachState)


def test_the_way_of_a_call_is_that_of_the_product_page() -> None:
    way = (A.CLAIMED, A.PLACING, A.PLACED, A.RINGING, A.TALKING, A.ENDED)
    for state, following in pairwise(way):
        assert following in ATTEMPT_TRANSITIONS[state]
    assert A.UNCLEAR in ATTEMPT_TRANSITIONS[A.PLACING]
    assert {A.PLACED, A.ENDED} <= ATTEMPT_TRANSITIONS[A.UNCLEAR]


def test_an_attempt_never_goes_back_and_is_sent_once() -> None:
    order = list(AttemptState)
    for state, following in ATTEMPT_TRANSITIONS.items():
        assert all(order.index(other) > order.index(state) for other in following)
    assert [state for state, following in ATTEMPT_TRANSITIONS.items() if A.PLACING in following] == [A.CLAIMED]
    assert not ATTEMPT_TRANSITIONS[A.ENDED]


@pytest.mark.parametrize("state", [A.PLACING, A.UNCLEAR, A.PLACED, A.RINGING, A.TALKING])
@pytest.mark.parametrize("word", ["queued", "initiated", "ringing", "in-progress"])
def test_news_of_a_call_leads_only_where_it_may(state: AttemptState, word: str) -> None:
    after = advance(state, word)
    assert after is state or after in ATTEMPT_TRANSITIONS[state]


def test_an_outreach_calls_only_from_waiting() -> None:
    calling = OutreachState.CALLING
    assert [state for state, following in OUTREACH_TRANSITIONS.items() if calling in following] == [
        OutreachState.WAITING
    ]


def test_a_diagram_begins_with_the_first_state_and_ends_with_the_last() -> None:
    drawn = diagram({A.PLACED: frozenset({A.ENDED}), A.ENDED: frozenset()}, {(A.PLACED, A.ENDED): "why"})
    assert drawn.splitlines() == [
        "stateDiagram-v2",
        "    [*] --> placed",
        "    placed --> ended: why",
        "    ended --> [*]",
    ]
