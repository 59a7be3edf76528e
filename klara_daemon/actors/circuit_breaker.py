"""Pauses a trunk on which too many calls fail technically, and then lets a single call find out whether it works again.

What fails is the line, not the candidates: without it, one bad evening would use up everybody's patience.
"""

from __future__ import annotations

import structlog

from klara_daemon import metrics
from klara_daemon.store import trunks
from klara_daemon.store.database import Database, Transaction

COUNTED_S = 300.0
ENOUGH_CALLS = 10
PAUSED_S = 300.0

log = structlog.get_logger()


class CircuitBreaker:
    """Any number may run: the trunk's row is locked by whoever decides about it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> bool:
        """Pause trunks that fail, open those that work again."""
        async with self._database.connection() as conn:
            known = await trunks.known(conn)
        for provider in known:
            async with self._database.transaction() as tx:
                trunk = await trunks.lock(tx.conn, provider)
                if trunk.is_on_trial:
                    await self._try_out(tx, provider, trunk.paused_because)
                elif not trunk.is_paused:
                    await self._watch(tx, provider)
        async with self._database.connection() as conn:
            metrics.TRUNKS_PAUSED.set(len(await trunks.paused(conn)))
        return False

    async def _watch(self, tx: Transaction, provider: str) -> None:
        calls, failed = await trunks.lately(tx.conn, provider, COUNTED_S)
        if calls >= ENOUGH_CALLS and 2 * failed >= calls:
            because = f"{failed} of {calls} calls failed technically within five minutes"
            await trunks.pause(tx.conn, provider, because, PAUSED_S)
            log.error("trunk_paused", provider=provider, calls=calls, failed=failed)

    async def _try_out(self, tx: Transaction, provider: str, because: str) -> None:
        match await trunks.trial(tx.conn, provider):
            case True:
                await trunks.resume(tx.conn, provider)
                log.info("trunk_resumed", provider=provider)
                tx.ring("dials")
            case False:
                await trunks.pause(tx.conn, provider, because, PAUSED_S)
                log.info("trunk_still_fails", provider=provider)
            case None:
                pass
