"""What the operator watches, counted in the tables; and what must always hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from klara_daemon.store.database import Connection

SETTLED_S = 600.0


@dataclass(frozen=True, slots=True)
class Gauges:
    """One count of everything. `overdue` by the business clock."""

    outbox_rows: int
    outbox_oldest_s: float
    parked: int
    overdue: int
    unclear: int
    to_reconnect: int
    held_for_a_person: int
    outreaches: dict[str, int]
    violations: dict[str, int]


_COUNTS = """
SELECT (SELECT count(*) FROM outbox) AS outbox_rows,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
          FROM outbox) AS outbox_oldest_s,
       (SELECT count(*) FROM parked WHERE settled_at IS NULL) AS parked,
       (SELECT count(*) FROM outreaches WHERE state = 'waiting' AND due_at < $1) AS overdue,
       (SELECT count(*) FROM attempts WHERE state = 'unclear') AS unclear,
       (SELECT count(*) FROM company_secrets WHERE connection = 'reconnect') AS to_reconnect,
       (SELECT count(*) FROM outreaches WHERE state = 'held' AND held_because IS DISTINCT FROM 'offer_closed')
         AS held_for_a_person
"""

#: Each must be 0 once things have had ten minutes to settle; the sweeps that repair them run every minute.
_VIOLATIONS = """
SELECT (SELECT count(*) FROM outreaches o WHERE state = 'calling' AND NOT EXISTS
          (SELECT FROM attempts a WHERE a.outreach_id = o.id
              AND (a.state <> 'ended' OR a.state_since > now() - make_interval(secs => $1)))) AS calling_without_call,
       (SELECT count(*) FROM stays s WHERE left_at IS NULL AND NOT already_there
           AND NOT EXISTS (SELECT FROM outreaches o WHERE o.stay_id = s.id)
           AND EXISTS (SELECT FROM watched_stages w WHERE (w.company_id, w.offer_id, w.stage_id)
                         = (s.company_id, s.offer_id, s.stage_id))
           AND s.entered_at < $2::timestamptz - make_interval(secs => $1)) AS stay_without_outreach,
       (SELECT count(*) FROM outreaches o WHERE state = 'ended' AND outcome <> 'withdrawn'
           AND ended_at > $2::timestamptz - interval '1 hour'
           AND NOT EXISTS (SELECT FROM writebacks w WHERE w.outreach_id = o.id)) AS ended_without_writeback,
       (SELECT count(*) FROM attempts a JOIN outreaches o ON o.id = a.outreach_id
         WHERE a.state <> 'ended' AND o.state = 'ended') AS ended_while_calling
"""


async def count(conn: Connection, now: datetime) -> Gauges:
    """Count everything; `now` is the business clock."""
    row = await conn.fetchrow(_COUNTS, now)
    violations = await conn.fetchrow(_VIOLATIONS, SETTLED_S, now)
    states = await conn.fetch("SELECT state, count(*) AS n FROM outreaches WHERE state <> 'ended' GROUP BY state")
    assert row is not None and violations is not None  # noqa: PT018 - both are one row always
    return Gauges(**dict(row), outreaches={one["state"]: one["n"] for one in states}, violations=dict(violations))
