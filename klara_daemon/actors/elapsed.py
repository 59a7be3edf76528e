"""How much time has gone by in this process, also while it was stopped or its machine slept."""

from __future__ import annotations

from time import monotonic, time

Clocks = tuple[float, float]


def clocks() -> Clocks:
    """A moment, for `elapsed_s`."""
    return monotonic(), time()


def elapsed_s(since: Clocks) -> float:
    """By whichever clock more time has passed: one stands still while the machine sleeps, the other can be set back."""
    return max(now - then for now, then in zip(clocks(), since, strict=True))
