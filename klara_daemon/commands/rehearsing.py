"""What a settings document would do to those who wait for a call: applied, counted, and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from klara_daemon.domain.attempt_policy import plan_call
from klara_daemon.domain.replanning import Moves
from klara_daemon.domain.settings import SettingsDocument
from klara_daemon.store import outreaches, settings, situations
from klara_daemon.store.database import Connection
from klara_daemon.store.settings_rows import Difference

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The rows that would change, and what would become of the calls that wait."""

    changes: tuple[Difference, ...]
    moves: Moves


async def rehearse(conn: Connection, document: SettingsDocument, who: str, now: datetime) -> Rehearsal:
    """Apply the document in a transaction that is rolled back. Raises `SettingsRefused`.

    Who is being called is not among those asked: an attempt already placed is not touched.
    """
    transaction = conn.transaction()
    await transaction.start()
    try:
        changes = await settings.apply(conn, document, who)
        return Rehearsal(changes, await _moves(conn, document.company.recruitee_company_id, now))
    finally:
        await transaction.rollback()


async def _moves(conn: Connection, company_id: int, now: datetime) -> Moves:
    company = await settings.company(conn, company_id)
    assert company is not None  # the document has all that makes one
    moves, after = Moves(), UUID(int=0)
    while page := await outreaches.open_of_company(conn, company_id, after, AT_ONCE):
        known = await situations.of(conn, page, {company_id: company.rules}, now)
        speechless = await outreaches.without_questions(conn, [outreach.id for outreach in page])
        for outreach in page:
            decision = plan_call(known[outreach.id], now, has_questions=outreach.id not in speechless)
            moves.count(outreach.due_at, decision, now, company.time_zone)
        after = page[-1].id
    return moves
