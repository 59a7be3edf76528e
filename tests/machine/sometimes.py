"""What must have happened at least once in a run: a test in which nothing is ever dialled holds every invariant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Sometimes:
    """Counts what was seen, over all examples of a run."""

    seen: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    steps: int = 0

    def saw(self, what: str, times: int = 1) -> None:
        """It happened."""
        self.seen[what] += times

    def never(self, *expected: str) -> list[str]:
        """What of this was not seen."""
        return [what for what in expected if not self.seen[what]]
