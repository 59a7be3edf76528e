"""A document for tests with other values at some of its places."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

ABSENT = object()


def with_changes(example: Mapping[str, Any], *changes: tuple[str, object]) -> str:
    """The example with other values at these places, such as `("calling.windows.0.to", "08:00")`; on one line.

    `ABSENT` takes a value away, a path that ends in `+` adds one to a list.
    """
    document: Any = copy.deepcopy(example)
    for path, value in changes:
        *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        place = document
        for step in steps:
            place = place[step]
        if value is ABSENT:
            del place[last]
        elif last == "+":
            place.append(value)
        else:
            place[last] = value
    return json.dumps(document)
