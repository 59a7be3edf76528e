"""The business clock of a journey: real time and an offset, which the test moves and each process reads from a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


class BusinessClock:
    """The same time for everybody who is given the same file; it runs with real time, and can be moved ahead."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """The business time, aware UTC."""
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text()))

    def set_to(self, at: datetime) -> None:
        """Let it be `at` for everybody from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(str((at - datetime.now(UTC)).total_seconds()))
        new.replace(self._file)

    def jump_to(self, at: datetime) -> None:
        """Go ahead to `at`; never back."""
        if at > self.now():
            self.set_to(at)
