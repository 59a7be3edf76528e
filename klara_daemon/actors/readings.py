"""What was read from Recruitee is kept, and whomever it concerns is planned anew."""

from __future__ import annotations

from collections.abc import Sequence

from klara_daemon.messages import StayChanged
from klara_daemon.recruitee.protocol import Candidate, Offer
from klara_daemon.store import outreaches, stays
from klara_daemon.store.database import Transaction
from klara_daemon.store.stays import Stay


async def keep_candidate(
    tx: Transaction, company_id: int, candidate: Candidate, going_on: Sequence[Stay], age_s: float
) -> None:
    """Keep name and numbers; new numbers may open, or re-open, the outreaches of the stays that go on.

    `age_s` is how long ago the reading was begun: one that was begun later, and is kept already, stays.
    """
    name, phones = candidate.name, candidate.phones
    if await stays.keep_candidate(tx.conn, company_id, candidate.id, name, phones, age_s):
        for stay in going_on:
            tx.send(StayChanged(stay_id=stay.id))


async def keep_offer(tx: Transaction, company_id: int, offer: Offer, age_s: float) -> None:
    """Keep what a job is called and whether it is open: closing holds its outreaches, opening frees them.

    `age_s` is how long ago the reading was begun: one that was begun later, and is kept already, stays.
    """
    was_open = await stays.offer_is_open(tx.conn, company_id, offer.id)
    is_kept = await stays.keep_offer(
        tx.conn, company_id, offer.id, title=offer.title, status=offer.status, language=offer.language, age_s=age_s
    )
    if is_kept and was_open is not offer.is_open:
        await outreaches.plan_anew(tx.conn, company_id, offer.id)
        tx.ring("settings")
