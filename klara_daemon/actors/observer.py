"""Counts, for the operator, what waits, what is late, and what must never be; and forgets what nobody needs."""

from __future__ import annotations

import structlog

from klara_daemon import metrics
from klara_daemon.domain.dispositions import OutreachState
from klara_daemon.store import gauges, outbox
from klara_daemon.store.database import Database

PROCESSED_KEPT_DAYS = 90

log = structlog.get_logger()


class Observer:
    """Runs with the call scheduler: the numbers are those of the whole installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def observe(self) -> bool:
        """Set the gauges."""
        async with self._database.connection() as conn:
            seen = await gauges.count(conn, self._database.now())
        metrics.OUTBOX_ROWS.set(seen.outbox_rows)
        metrics.OUTBOX_OLDEST_SECONDS.set(seen.outbox_oldest_s)
        metrics.MESSAGES_PARKED.set(seen.parked)
        metrics.OUTREACHES_OVERDUE.set(seen.overdue)
        metrics.ATTEMPTS_UNCLEAR.set(seen.unclear)
        metrics.COMPANIES_TO_RECONNECT.set(seen.to_reconnect)
        for state in (OutreachState.WAITING, OutreachState.HELD, OutreachState.CALLING):
            metrics.OUTREACHES.labels(state).set(seen.outreaches.get(state, 0))
        metrics.SETTINGS_HELD.set(seen.held_for_a_person)
        for invariant, number in seen.violations.items():
            metrics.INVARIANT_VIOLATIONS.labels(invariant).set(number)
            if number:
                log.error("invariant_violated", invariant=invariant, rows=number)
        return False

    async def forget(self) -> bool:
        """Forget processed messages that no redelivery can bring back."""
        async with self._database.connection() as conn:
            await outbox.forget_processed(conn, PROCESSED_KEPT_DAYS)
        return False
