"""What the calling rule is told: settings, attempts, numbers, opt-outs of each outreach, read for many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from klara_daemon.domain.attempt_policy import PastAttempt, Situation, next_number
from klara_daemon.domain.calling_hours import CallingRules
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.phone_numbers import callable_numbers
from klara_daemon.store.database import Connection
from klara_daemon.store.outreaches import Outreach


async def of(
    conn: Connection, outreaches: Sequence[Outreach], rules: Mapping[int, CallingRules]
) -> dict[UUID, Situation]:
    """What the calling rule is told about each outreach; those of companies without settings are left out."""
    known = [outreach for outreach in outreaches if outreach.company_id in rules]
    ids = [outreach.id for outreach in known]
    attempts = await _attempts(conn, ids)
    people = await _people(conn, ids)
    numbers = {
        outreach.id: callable_numbers(people[outreach.id].phones, rules[outreach.company_id].country)
        for outreach in known
    }
    refusing = await _opted_out(conn, {number for several in numbers.values() for number in several})
    found = {}
    for outreach in known:
        past, person = tuple(attempts.get(outreach.id, ())), people[outreach.id]
        number = next_number(numbers[outreach.id], past)
        found[outreach.id] = Situation(
            rules=rules[outreach.company_id],
            number=number,
            entered_at=person.entered_at,
            attempts=past,
            callback_at=outreach.callback_at,
            opted_out=person.opted_out or (outreach.company_id, number) in refusing,
        )
    return found


@dataclass(frozen=True, slots=True)
class _Person:
    phones: tuple[str, ...]
    entered_at: datetime
    opted_out: bool


async def _attempts(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, list[PastAttempt]]:
    rows = await conn.fetch(
        "SELECT outreach_id, coalesce(placed_at, claimed_at) AS placed_at, disposition, e164 FROM attempts"
        " WHERE outreach_id = ANY($1::uuid[]) AND state = 'ended' ORDER BY outreach_id, number",
        ids,
    )
    found: dict[UUID, list[PastAttempt]] = {}
    for row in rows:
        past = PastAttempt(row["placed_at"], Disposition(row["disposition"]), row["e164"])
        found.setdefault(row["outreach_id"], []).append(past)
    return found


async def _people(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, _Person]:
    rows = await conn.fetch(
        "SELECT o.id, coalesce(c.phones, '{}') AS phones, s.entered_at,"
        "       EXISTS (SELECT FROM opt_outs x WHERE (x.company_id, x.candidate_id) = (o.company_id, o.candidate_id))"
        "         AS opted_out"
        "  FROM outreaches o JOIN stays s ON s.id = o.stay_id"
        "  LEFT JOIN candidates c ON (c.company_id, c.candidate_id) = (o.company_id, o.candidate_id)"
        " WHERE o.id = ANY($1::uuid[])",
        ids,
    )
    return {row["id"]: _Person(tuple(row["phones"]), row["entered_at"], row["opted_out"]) for row in rows}


async def _opted_out(conn: Connection, numbers: Collection[str]) -> set[tuple[int, str]]:
    rows = await conn.fetch("SELECT company_id, e164 FROM opt_outs WHERE e164 = ANY($1::text[])", list(numbers))
    return {(row["company_id"], row["e164"]) for row in rows}
