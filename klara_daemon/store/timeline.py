"""Everything that was decided and done about one candidate, in order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what, when (business time, aware UTC), by which rule, with which details."""

    id: int
    company_id: int
    candidate_id: int
    offer_id: int | None
    outreach_id: UUID | None
    attempt_id: UUID | None
    at: datetime
    event: str
    rule: str | None
    details: dict[str, Any]


_LINE = "id, company_id, candidate_id, offer_id, outreach_id, attempt_id, at, event, rule, details"


async def of_candidate(conn: Connection, company_id: int, candidate_id: int) -> list[Line]:
    """The lines of one candidate, oldest first."""
    rows = await conn.fetch(
        f"SELECT {_LINE} FROM timeline WHERE company_id = $1 AND candidate_id = $2 ORDER BY id",
        company_id,
        candidate_id,
    )
    return [_line(dict(row)) for row in rows]


async def after(conn: Connection, line_id: int, limit: int) -> list[Line]:
    """The lines of everybody that follow a line, oldest first."""
    rows = await conn.fetch(f"SELECT {_LINE} FROM timeline WHERE id > $1 ORDER BY id LIMIT $2", line_id, limit)
    return [_line(dict(row)) for row in rows]


def _line(row: dict[str, Any]) -> Line:
    return Line(**{**row, "details": json.loads(row["details"])})
