"""Situation documents for tests: the one of issue and page, and the same with other values."""

from __future__ import annotations

import copy
import json
from typing import Any

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
ABSENT = object()


def changed(*changes: tuple[str, object]) -> str:
    """The example with other values at these places, such as `("calling.windows.0.to", "08:00")`; on one line."""
    document = copy.deepcopy(EXAMPLE)
    for path, value in changes:
        *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        place: Any = document
        for step in steps:
            place = place[step]
        if value is ABSENT:
            del place[last]
        elif last == "+":
            place.append(value)
        else:
            place[last] = value
    return json.dumps(document)
