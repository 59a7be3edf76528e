"""What others wrote in JSON, read without trust: a value of the wanted kind, or None."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic_core import from_json

LARGEST_ID = 2**63 - 1  # what a bigint column holds


def read_json(raw: bytes) -> object:
    """The document in `raw`. Raises ValueError for all that is not JSON in UTF-8, or is nested too deeply."""
    return from_json(raw, allow_inf_nan=False)


def member(value: object, *path: str) -> object:
    """What stands at `path`; None where an object or a key on the way is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def members(value: object) -> list[object] | None:
    """The members of a list; None for everything else."""
    return value if isinstance(value, list) else None


def number(value: object) -> int | None:
    """A whole number; `true` is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def identifier(value: object) -> int | None:
    """A positive id, also when it came as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    found = number(value)
    return found if found is not None and 0 < found <= LARGEST_ID else None


def text(value: object) -> str | None:
    """A text, without the NUL that Postgres refuses."""
    return value.replace("\x00", "") if isinstance(value, str) else None


def instant(value: object) -> datetime | None:
    """An instant in UTC; one that names no zone is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
