"""How the telephone lines stand at the moment of a dial: what rules 6 and 11 of the calling rule are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from klara_daemon.domain.lines import Lines, Pause
from klara_daemon.store import callers, pauses
from klara_daemon.store.database import Connection
from klara_daemon.store.outreaches import Outreach
from klara_daemon.store.trunks import Trunk


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls at once a trunk takes, and how many a company wants; None: as many as the trunk."""

    provider: str
    on_trunk: int
    of_company: int | None


async def of(
    conn: Connection, outreach: Outreach, number: str, trunk: Trunk, limits: Limits, *, besides: UUID | None
) -> Lines:
    """How the lines stand for a call to this outreach's person at this number (E.164).

    `besides` is the attempt that asks, once it is claimed: it does not stand in its own way, and it has its slot.
    """
    row = await conn.fetchrow(
        "SELECT count(*) FILTER (WHERE provider = $1) AS on_trunk,"
        " count(*) FILTER (WHERE company_id = $2) AS of_company,"
        " coalesce(bool_or(e164 = $3 OR (company_id = $2 AND candidate_id = $4)), false) AS is_busy"
        "  FROM attempts WHERE state <> 'ended' AND id IS DISTINCT FROM $5",
        limits.provider,
        outreach.company_id,
        number,
        outreach.candidate_id,
        besides,
    )
    assert row is not None
    return Lines(
        trunk_calls=row["on_trunk"],
        trunk_limit=trunk.takes(limits.on_trunk),
        company_calls=row["of_company"],
        company_limit=limits.of_company,
        slot_in=timedelta(seconds=0 if besides else trunk.slot_in_s),
        number_is_busy=row["is_busy"],
        pause=await _pause(conn, outreach.company_id, trunk),
    )


async def _pause(conn: Connection, company_id: int, trunk: Trunk) -> Pause | None:
    if pause := await pause_of_company(conn, company_id):
        return pause
    if trunk.is_paused:
        says = f"The trunk is paused: {trunk.paused_because}"
        return Pause(says, timedelta(seconds=trunk.paused_s))
    return None


async def pause_of_company(conn: Connection, company_id: int) -> Pause | None:
    """What keeps a company from calling, whatever the trunk does; a person's pause outranks one that ends by itself."""
    if because := await pauses.reason(conn, company_id):
        return Pause(because)
    if refused := await callers.of_company(conn, company_id):
        says = f"The phone company refuses the number that this company calls from: {refused.because}"
        return Pause(says, timedelta(seconds=refused.paused_s))
    return None
