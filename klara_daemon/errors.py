"""Errors that speak to the person who must act: what happened, what it means, what to do, and where to find it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_reference() -> str:
    """A short id for one failure, the same on the screen and in the log; its first letter keeps it from redaction."""
    return "e" + secrets.token_hex(4)


class KlaraError(Exception):
    """A failure that a person can do something about.

    `happened`, `means` and `remedy` are whole sentences without personal data or secrets; the last two may be empty.
    `exit_status` is the status of a command that ends with it (see `sysexits.h`).
    """

    exit_status = 1

    def __init__(self, happened: str, *, means: str = "", remedy: str = "") -> None:
        super().__init__(happened)
        self.happened = happened
        self.means = means
        self.remedy = remedy
        self.reference = new_reference()
        self.occurred_at = datetime.now(UTC)

    def render(self) -> str:
        """The error for a terminal or a page; the last line finds the log line that holds the same reference."""
        found_by = f"({self.occurred_at:%Y-%m-%d %H:%M:%S} UTC, reference {self.reference})"
        return "\n".join(part for part in (self.happened, self.means, self.remedy, found_by) if part)
