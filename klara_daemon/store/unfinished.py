"""Whether anything is being done right now, or everybody waits for a later time."""

from __future__ import annotations

from klara_daemon.store.database import Connection


async def is_idle(conn: Connection) -> bool:
    """Whether no message is to be sent, nobody is to be read or dialled, no call is open and nothing is owed."""
    idle: bool = await conn.fetchval(
        "SELECT NOT (EXISTS (SELECT FROM outbox) OR EXISTS (SELECT FROM candidate_reads) OR EXISTS (SELECT FROM dials)"
        " OR EXISTS (SELECT FROM attempts WHERE state <> 'ended')"
        " OR EXISTS (SELECT FROM outreaches WHERE state = 'calling')"
        " OR EXISTS (SELECT FROM writebacks WHERE done_at IS NULL)"
        " OR EXISTS (SELECT FROM stage_watches WHERE settled_at IS NULL))"
    )
    return idle


async def is_watching(conn: Connection) -> bool:
    """Whether every watched stage has been looked at once."""
    watching: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM stage_watches) AND NOT EXISTS (SELECT FROM stage_watches WHERE settled_at IS NULL)"
    )
    return watching
