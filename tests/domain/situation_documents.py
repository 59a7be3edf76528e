"""Situation documents for tests: the one of issue and page, and the same with other values."""

from __future__ import annotations

from typing import Any

from tests.domain.changed_documents import with_changes

EXAMPLE: dict[str, Any] = {
    "company": {"time_zone": "Europe/Berlin", "country": "DE", "subdivision": "NW"},
    "calling": {
        "max_attempts": 4,
        "attempts_per_day": 2,
        "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"],
        "windows": [{"from": "09:00", "to": "12:00"}, {"from": "14:00", "to": "18:00"}],
    },
    "number": "+4915112345678",
    "entered_at": "2026-11-23T08:00:00Z",
    "attempts": [{"at": "2026-11-23T08:05:00Z", "disposition": "no_answer"}],
    "callback_at": None,
    "opted_out": False,
    "now": "2026-11-23T09:00:00Z",
}


def changed(*changes: tuple[str, object]) -> str:
    """The example with these changes."""
    return with_changes(EXAMPLE, *changes)
