"""How long to wait before asking again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.back_off import LONGEST_S, back_off_s


def test_it_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [back_off_s(tries) for tries in range(10)] == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


@given(st.integers(0, 2**31 - 1))
def test_it_grows_and_stays_within_a_quarter_of_an_hour(tries: int) -> None:
    assert 5 <= back_off_s(tries) <= back_off_s(tries + 1) <= LONGEST_S == 900
