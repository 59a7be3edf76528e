"""How far a call has come: late, doubled and reordered news change nothing."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.call_progress import FINAL, advance
from klara_daemon.domain.dispositions import AttemptState as A
from klara_daemon.telephony.provider import CallStatus

GOING_ON = ("queued", "initiated", "ringing", "in-progress")


@pytest.mark.parametrize(
    ("told", "state"),
    [("queued", A.PLACED), ("initiated", A.PLACED), ("ringing", A.RINGING), ("in-progress", A.TALKING)],
)
@pytest.mark.parametrize("before", [A.PLACING, A.UNCLEAR])
def test_the_first_news_settles_that_there_is_a_call(before: A, told: str, state: A) -> None:
    assert advance(before, told) is state


def test_news_of_an_end_is_not_this_tables_matter() -> None:
    assert {str(status) for status in CallStatus if status.is_final} == FINAL
    assert {*FINAL, *GOING_ON} == {str(status) for status in CallStatus}
    for status in FINAL:
        assert advance(A.RINGING, status) is A.RINGING


@pytest.mark.parametrize("order", list(permutations(GOING_ON)))
def test_any_order_leads_as_far_as_the_furthest(order: tuple[str, ...]) -> None:
    state = A.PLACING
    for told in (*order, *order):
        state = advance(state, told)
    assert state is A.TALKING


@given(st.sampled_from(list(A)), st.sampled_from(GOING_ON) | st.sampled_from(sorted(FINAL)) | st.text())
def test_nothing_leads_back(state: A, told: str) -> None:
    order = list(A)
    assert order.index(advance(state, told)) >= order.index(state)
    assert advance(A.ENDED, told) is A.ENDED
