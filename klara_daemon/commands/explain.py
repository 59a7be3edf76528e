"""`klara-daemon explain`: may a call start now, and if not, when, or why never; with the word of each rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click

from klara_daemon.commands.ending import BadInput, run
from klara_daemon.config import Config
from klara_daemon.domain.attempt_policy import NO_SETTINGS, Situation, may_call
from klara_daemon.domain.calling_days import calling_days, closed_days
from klara_daemon.domain.explanation import Known, answer, days_told, decision_about, utc
from klara_daemon.domain.faults import Fault
from klara_daemon.domain.json_lines import Written, documents
from klara_daemon.domain.lines import Lines
from klara_daemon.domain.situation_document import BadSituation, SituationDocument, parse
from klara_daemon.store import calls, lines, outreaches, settings, situations
from klara_daemon.store.database import Connection
from klara_daemon.store.outreaches import Outreach
from klara_daemon.store.session import session

LONGEST_FILE = 64 * 1024 * 1024


@click.command("explain")
@click.option("--file", type=click.File("rb"), help="A situation as JSON, or several, one a line; - for stdin.")
@click.option("--candidate", "candidate_id", type=click.IntRange(1, 2**63 - 1), help="Recruitee's candidate id.")
@click.option("--company", "company_id", type=click.IntRange(1, 2**63 - 1), help="Recruitee's company id.")
@click.option("--days", type=click.IntRange(1, 366), help="List the calling windows of so many days, too.")
def explain(file: BinaryIO | None, candidate_id: int | None, company_id: int | None, days: int | None) -> None:
    """Explain why a candidate is called now, later or never."""
    if file is not None and candidate_id is None and company_id is None:
        run(_explain_file(file.read(LONGEST_FILE + 1), days))
    elif file is None and candidate_id is not None and company_id is not None:
        run(_explain_candidate(company_id, candidate_id, days))
    else:
        raise click.UsageError("Give either --file PATH, or --candidate ID and --company N.")


# From a file


async def _explain_file(content: bytes, days: int | None) -> None:
    now = datetime.now(UTC)
    for document in _read(content):
        asked_at, situation = document.now or now, document.situation
        told = answer(may_call(situation, asked_at), asked_at)
        _print(told | _days(situation, asked_at, days))


def _read(content: bytes) -> list[SituationDocument]:
    """Every document of the file, or every fault in it: a file that is bad in part is answered in no part."""
    if len(content) > LONGEST_FILE:
        raise _bad([f"document: must have at most {LONGEST_FILE} bytes; give it in parts"])
    written = documents(content)
    if not written:
        raise _bad(["document: is empty"])
    found: list[SituationDocument] = []
    faults: list[str] = []
    for one in written:
        try:
            found.append(_parsed(one))
        except BadSituation as bad:
            faults += _located(bad.faults, one.line)
    if faults:
        raise _bad(faults)
    return found


def _parsed(written: Written) -> SituationDocument:
    try:
        return parse(written.content.decode())
    except UnicodeDecodeError:
        raise BadSituation([Fault("document", "must be UTF-8 text")]) from None


def _located(faults: Iterable[Fault], line: int | None) -> Iterator[str]:
    """The faults as a person finds them: what is line 1 to a parser of one line is another one of the file."""
    for fault in faults:
        yield str(fault) if line is None else f"line {line}: {fault}".replace(" at line 1 column ", " at column ")


def _bad(faults: Iterable[str]) -> BadInput:
    return BadInput(
        "What was given cannot be explained:\n" + "\n".join(f"  {fault}" for fault in faults),
        means="Nothing was answered.",
        remedy="Mend what is named and ask again; docs/calling-rule.md says what may stand where.",
    )


# From the database


async def _explain_candidate(company_id: int, candidate_id: int, days: int | None) -> None:
    config = Config.from_env().require("database_url")
    now = datetime.now(UTC)
    async with session(config.database_url) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        found = await outreaches.to_explain(conn, company_id, candidate_id)
        known = [await _known(conn, outreach, now) for outreach in found]
    if not found:
        raise BadInput(
            f"Nothing is known of candidate {candidate_id} of company {company_id}.",
            remedy="Check both ids; there is something to explain once a candidate is to be called.",
        )
    for outreach, one in zip(found, known, strict=True):
        about = {"offer_id": outreach.offer_id, "stage_id": outreach.stage_id, "due_at": utc(outreach.due_at)}
        _print(about | answer(decision_about(one, now), now) | _days(one.situation, now, days))


async def _known(conn: Connection, outreach: Outreach, now: datetime) -> Known:
    company = await settings.company(conn, outreach.company_id)
    rules = {outreach.company_id: company.rules} if company else {}
    situation = (await situations.of(conn, [outreach], rules, now)).get(outreach.id)
    pause = await lines.pause_of_company(conn, outreach.company_id)
    if situation and pause:
        situation = replace(situation, lines=Lines(trunk_calls=0, trunk_limit=1, pause=pause))
    return Known(
        situation=situation,
        outcome=outreach.outcome,
        is_calling=bool(await calls.open_of(conn, [outreach.id])),
        has_questions=not await outreaches.without_questions(conn, [outreach.id]),
    )


def _days(situation: Situation | None, now: datetime, count: int | None) -> dict[str, Any]:
    if count is None:
        return {}
    if situation is None:
        return {"days": days_told(closed_days(now.date(), count, NO_SETTINGS.says))}
    return {"days": days_told(calling_days(situation, now, count))}


def _print(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))
