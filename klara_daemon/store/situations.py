"""What the calling rule is told: settings, attempts, numbers, opt-outs of each outreach, read for many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from klara_daemon.domain.attempt_policy import PastAttempt, Situation, next_number
from klara_daemon.domain.calling_hours import CallingRules
from klara_daemon.domain.dispositions import UNCOUNTED, Disposition
from klara_daemon.domain.phone_numbers import callable_numbers
from klara_daemon.domain.stays import CLOSED_OFFER, Leaving
from klara_daemon.store.database import Connection
from klara_daemon.store.outreaches import Outreach

_RULE_6_LOOKS_BACK = timedelta(days=30)


async def of(
    conn: Connection, outreaches: Sequence[Outreach], rules: Mapping[int, CallingRules], now: datetime
) -> dict[UUID, Situation]:
    """What the calling rule is told about each outreach at `now`; those of companies without settings are left out."""
    known = [outreach for outreach in outreaches if outreach.company_id in rules]
    attempts = await _attempts(conn, [outreach.id for outreach in known])
    people = await _people(conn, known, rules)
    refusing = await _opted_out(conn, people.values())
    elsewhere = await _called_elsewhere(conn, people.values(), now - _RULE_6_LOOKS_BACK)
    found = {}
    for outreach in known:
        past, person = tuple(attempts.get(outreach.id, ())), people[outreach.id]
        found[outreach.id] = Situation(
            rules=rules[outreach.company_id],
            number=next_number(person.numbers, past),
            entered_at=person.entered_at,
            attempts=past,
            callback_at=outreach.callback_at,
            opted_out=outreach.id in refusing,
            called_elsewhere=tuple(elsewhere.get(outreach.id, ())),
            left_because=person.left_because,
            offer_is_open=person.offer_is_open,
        )
    return found


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom an outreach is about: known across the company's jobs by candidate and by each of the numbers (E.164)."""

    outreach: Outreach
    numbers: tuple[str, ...]
    entered_at: datetime
    left_because: Leaving | None
    offer_is_open: bool


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


async def _people(
    conn: Connection, outreaches: Sequence[Outreach], rules: Mapping[int, CallingRules]
) -> dict[UUID, _Person]:
    by_id = {outreach.id: outreach for outreach in outreaches}
    rows = await conn.fetch(
        "SELECT o.id, coalesce(c.phones, '{}') AS phones, s.entered_at,"
        "       coalesce(s.left_because, o.withdraw_because) AS left_because,"
        "       coalesce(f.status <> ALL($2::text[]), true) AS offer_is_open"
        "  FROM outreaches o JOIN stays s ON s.id = o.stay_id"
        "  LEFT JOIN candidates c ON (c.company_id, c.candidate_id) = (o.company_id, o.candidate_id)"
        "  LEFT JOIN offers f ON (f.company_id, f.offer_id) = (o.company_id, o.offer_id)"
        " WHERE o.id = ANY($1::uuid[])",
        list(by_id),
        list(CLOSED_OFFER),
    )
    return {
        row["id"]: _Person(
            by_id[row["id"]],
            callable_numbers(row["phones"], rules[by_id[row["id"]].company_id].country),
            row["entered_at"],
            Leaving(row["left_because"]) if row["left_because"] else None,
            row["offer_is_open"],
        )
        for row in rows
    }


async def _opted_out(conn: Connection, people: Collection[_Person]) -> set[UUID]:
    """Rule 9: whose candidate, or any of whose numbers, has said no to the company."""
    if not people:
        return set()
    rows = await conn.fetch(
        "SELECT p.outreach_id FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])"
        "         AS p(outreach_id, company_id, candidate_id)"
        " WHERE EXISTS (SELECT FROM opt_outs x WHERE (x.company_id, x.candidate_id) = (p.company_id, p.candidate_id)"
        "                AND x.removed_at IS NULL)"
        " UNION SELECT n.outreach_id FROM unnest($4::uuid[], $5::bigint[], $6::text[])"
        "         AS n(outreach_id, company_id, e164)"
        " WHERE EXISTS (SELECT FROM opt_outs x WHERE (x.company_id, x.e164) = (n.company_id, n.e164)"
        "                AND x.removed_at IS NULL)",
        *_candidates(people),
        *_numbers(people),
    )
    return {row["outreach_id"] for row in rows}


async def _called_elsewhere(
    conn: Connection, people: Collection[_Person], since: datetime
) -> dict[UUID, list[datetime]]:
    """Rule 6: when other outreaches of the company called these people, and it counts or is not over yet."""
    if not people:
        return {}
    rows = await conn.fetch(
        "WITH called AS ("
        " SELECT p.outreach_id, a.id FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])"
        "         AS p(outreach_id, company_id, candidate_id)"
        "   JOIN attempts a ON (a.company_id, a.candidate_id) = (p.company_id, p.candidate_id)"
        " UNION SELECT n.outreach_id, a.id FROM unnest($4::uuid[], $5::bigint[], $6::text[])"
        "         AS n(outreach_id, company_id, e164)"
        "   JOIN attempts a ON (a.company_id, a.e164) = (n.company_id, n.e164))"
        " SELECT c.outreach_id, a.placed_at FROM called c JOIN attempts a ON a.id = c.id"
        "  WHERE a.outreach_id <> c.outreach_id AND a.placed_at > $7 AND NOT coalesce(a.disposition = ANY($8), false)"
        "  ORDER BY a.placed_at",
        *_candidates(people),
        *_numbers(people),
        since,
        list(UNCOUNTED),
    )
    found: dict[UUID, list[datetime]] = {}
    for row in rows:
        found.setdefault(row["outreach_id"], []).append(row["placed_at"])
    return found


def _candidates(people: Iterable[_Person]) -> tuple[list[UUID], list[int], list[int]]:
    """Outreach, company and candidate of each, column by column."""
    known = [person.outreach for person in people]
    return [one.id for one in known], [one.company_id for one in known], [one.candidate_id for one in known]


def _numbers(people: Iterable[_Person]) -> tuple[list[UUID], list[int], list[str]]:
    """Outreach, company and number of each number, column by column."""
    known = [(person.outreach, number) for person in people for number in person.numbers]
    return [one.id for one, _ in known], [one.company_id for one, _ in known], [number for _, number in known]
