"""Values out of JSON that others wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.recruitee.json_values import identifier, instant, member, text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (5, 5),
        ("5", 5),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        ("9" * 19, None),
        ("9" * 5000, None),
        (0, None),
        (-5, None),
        (True, None),
        (5.0, None),
        ("٥", None),
        ("five", None),
        (None, None),
        ([5], None),
    ],
)
def test_an_id_is_a_positive_number_that_a_column_holds(value: object, found: int | None) -> None:
    assert identifier(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2023-01-15T16:56:58.161904Z", datetime(2023, 1, 15, 16, 56, 58, 161904, tzinfo=UTC)),
        ("2023-01-15T17:56:58+01:00", datetime(2023, 1, 15, 16, 56, 58, tzinfo=UTC)),
        ("2023-01-15T16:56:58", datetime(2023, 1, 15, 16, 56, 58, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (1673801818, None),
    ],
)
def test_an_instant_is_in_utc(value: object, found: datetime | None) -> None:
    assert instant(value) == found


@given(st.text())
def test_any_text_is_an_instant_or_none(value: str) -> None:
    found = instant(value)
    assert found is None or found.tzinfo is UTC


def test_a_member_of_what_is_no_object_is_missing() -> None:
    assert member({"a": {"b": 1}}, "a", "b") == 1
    assert member({"a": [1]}, "a", "b") is None
    assert member(None, "a") is None


def test_a_text_is_without_what_postgres_refuses() -> None:
    assert text("a\x00b") == "ab"
    assert text(5) is None
