"""Which JSON documents a file holds: one, over as many lines as it likes, or several, one a line (JSON Lines)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import from_json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Written:
    """One document as it was written. `line` counts from 1; None: the file is this document."""

    line: int | None
    content: bytes


def documents(content: bytes) -> tuple[Written, ...]:
    """The documents of a file, good or bad, in order; none where it is blank. Blank lines between them do no harm.

    A file that is neither one document nor lines of which any could be one is one bad document.
    """
    content = content.removeprefix(_BYTE_ORDER_MARK)
    lines = tuple(Written(nth, line) for nth, line in enumerate(content.split(b"\n"), start=1) if line.strip())
    if len(lines) < 2 or _is_json(content) or not _holds_documents(lines):
        return (Written(None, content),) if lines else ()
    return lines


def _holds_documents(lines: tuple[Written, ...]) -> bool:
    """Whether lines are documents: the first is JSON by itself, or another is, and names a company.

    Within one document that is spread over many lines, some may be JSON by themselves too: an attempt, a window.
    """
    return _is_json(lines[0].content) or any(b'"company"' in one.content and _is_json(one.content) for one in lines)


def _is_json(content: bytes) -> bool:
    try:
        from_json(content)
    except ValueError:
        return False
    return True
