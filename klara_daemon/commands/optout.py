"""`klara-daemon optout`: who is never to be called again by a company, entered and taken back by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import click

from klara_daemon.commands.ending import BadInput, run
from klara_daemon.commands.instants import instant
from klara_daemon.commands.which_company import COMPANY, must_be_known
from klara_daemon.commands.who_and_why import WHO, WHY
from klara_daemon.config import Config
from klara_daemon.domain.dialogue.speakable import one_line
from klara_daemon.domain.dispositions import AttemptState
from klara_daemon.domain.phone_numbers import NoNumber, masked, read_text
from klara_daemon.messages import CancelCall, PlanOutreach
from klara_daemon.store import calls, opt_outs, outreaches, people, settings
from klara_daemon.store.database import About, Connection, Transaction
from klara_daemon.store.opt_outs import OptOut
from klara_daemon.store.session import session, transaction

OPTED_OUT = "opted_out"
_NO_COUNTRY = "ZZ"
_WHY_NOT = {
    NoNumber.EMPTY: "nothing was given",
    NoNumber.NOT_A_NUMBER: "it is none",
    NoNumber.TOO_SHORT: "it is too short",
    NoNumber.TOO_LONG: "it is too long",
    NoNumber.NOT_ASSIGNED: "no such number is in use",
    NoNumber.NOT_CALLED: "it is of a kind that Klara never calls",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a command is about: a candidate with the numbers known of them, or one number alone (E.164)."""

    company_id: int
    candidate_id: int | None
    numbers: tuple[str, ...]
    country: str

    def __str__(self) -> str:
        """In words for a terminal, numbers masked."""
        numbers = ", ".join(masked(number) for number in self.numbers)
        if self.candidate_id is None:
            return f"number {numbers}"
        return f"candidate {self.candidate_id} ({numbers or 'no number is known'})"


@click.group("optout")
def group() -> None:
    """Who is never called again by a company."""


def _whom(command: Callable[..., Any]) -> Callable[..., Any]:
    number = click.option("--number", help="A telephone number; a national one is of the company's country.")
    return click.option("--candidate", type=click.IntRange(1, 2**63 - 1), help="Recruitee's candidate id.")(
        number(command)
    )


@group.command()
@COMPANY
@_whom
@WHY
@WHO
def add(company_id: int, candidate: int | None, number: str | None, why: str, who: str) -> None:
    """Never call this candidate, or this number, again, whatever the job."""
    _either(candidate, number)
    run(_add(company_id, candidate, number, who, why))


@group.command()
@COMPANY
@_whom
@WHY
@WHO
def remove(company_id: int, candidate: int | None, number: str | None, why: str, who: str) -> None:
    """Take an opt-out back; it stays in the list of all."""
    _either(candidate, number)
    run(_remove(company_id, candidate, number, who, why))


@group.command("list")
@COMPANY
@click.option("--all", "also_removed", is_flag=True, help="Also those that were taken back.")
@click.option("--numbers", "in_full", is_flag=True, help="Numbers in full.")
def list_(company_id: int, also_removed: bool, in_full: bool) -> None:
    """One line each, oldest first."""
    run(_list(company_id, also_removed=also_removed, in_full=in_full))


def _either(candidate: int | None, number: str | None) -> None:
    if (candidate is None) == (number is None):
        raise click.UsageError("Give either --candidate or --number.")


async def _add(company_id: int, candidate_id: int | None, number: str | None, who: str, why: str) -> None:
    async with transaction(_database_url()) as tx:
        person = await _person(tx.conn, company_id, candidate_id, number)
        numbers = person.numbers
        is_news = await opt_outs.add(tx.conn, company_id, candidate_id, numbers, at=tx.now, who=who, why=why)
        told = [f"Never called again by company {company_id}: {person}."]
        if is_news:
            candidates = await _candidates(tx.conn, person)
            for one in candidates:
                tx.note("opted_out", About(company_id, one), who=who, says=why)
            told += [*_others(person, candidates), *await _call_off(tx, person, candidates)]
    for line in told if is_news else [f"Opted out before: {person}. Nothing was changed."]:
        click.echo(line)


def _others(person: Person, candidates: Collection[int]) -> list[str]:
    others = ", ".join(str(one) for one in candidates if one != person.candidate_id)
    return [f"Candidates who are the same person by number: {others}."] if others else []


async def _call_off(tx: Transaction, person: Person, candidates: Collection[int]) -> list[str]:
    """Whoever waits for a call is planned anew, and so ends; what rings is hung up. What was done, in words.

    The rows are locked: a dialer either commits to its call before, and it is seen here, or asks the rule afterwards.
    """
    locked = await outreaches.lock_of_person(tx.conn, person.company_id, candidates, person.numbers)
    live = await calls.open_of(tx.conn, [outreach.id for outreach in locked])
    talking = [attempt for attempt in live.values() if attempt.state is AttemptState.TALKING]
    for outreach in locked:
        attempt = live.get(outreach.id)
        if attempt is None:
            tx.send(PlanOutreach(outreach_id=outreach.id))
        elif attempt not in talking:
            tx.send(CancelCall(attempt_id=attempt.id, because=OPTED_OUT))
    done = {
        "Planned calls that are taken back": len(locked) - len(live),
        "Calls that are hung up": len(live) - len(talking),
        "Calls in which both speak, which go on": len(talking),
    }
    return [f"{what}: {number}." for what, number in done.items() if number]


async def _remove(company_id: int, candidate_id: int | None, number: str | None, who: str, why: str) -> None:
    async with transaction(_database_url()) as tx:
        person = await _person(tx.conn, company_id, candidate_id, number)
        e164 = person.numbers[0] if candidate_id is None else None
        removed = await opt_outs.remove(tx.conn, company_id, candidate_id, e164, at=tx.now, who=who, why=why)
        if not removed:
            raise BadInput(
                f"Not opted out: {person}.",
                means="Nothing was changed.",
                remedy=f"`klara-daemon optout list --company {company_id}` shows who is.",
            )
        candidates = await _candidates(tx.conn, person, removed)
        for one in candidates:
            tx.note("opt_out_removed", About(company_id, one), who=who, says=why)
        left = await _standing(tx.conn, person, candidates)
    click.echo(f"Taken back: {person}. What has ended because of it stays ended.")
    for row in left:
        click.echo(f"Still opted out: {_line(row, in_full=False)}")


async def _standing(conn: Connection, person: Person, candidates: Collection[int]) -> list[OptOut]:
    """What still forbids to call the person, by any candidate id and any number."""
    numbers = set(person.numbers)
    for candidate_id in candidates:
        numbers.update(await people.numbers_of(conn, person.company_id, candidate_id, person.country))
    return await opt_outs.standing(conn, person.company_id, candidates, numbers)


async def _list(company_id: int, *, also_removed: bool, in_full: bool) -> None:
    async with session(_database_url()) as conn:
        found = await opt_outs.of_company(conn, company_id, also_removed=also_removed)
        if not found:
            await must_be_known(conn, company_id)
    for row in found:
        click.echo(_line(row, in_full=in_full))
    standing = sum(row.removed_at is None for row in found)
    removed = f", {len(found) - standing} taken back" if also_removed else ""
    click.echo(f"{standing} opted out{removed}.")


def _line(row: OptOut, *, in_full: bool) -> str:
    number = row.e164 if in_full else row.e164 and masked(row.e164)
    candidate = f"candidate {row.candidate_id}" if row.candidate_id is not None else "any candidate"
    line = f"{instant(row.at)}  {candidate}  {number or 'no number'}  {one_line(row.who)}: {one_line(row.why)}"
    if row.removed_at is None:
        return line
    removed = f"{instant(row.removed_at)} by {one_line(row.removed_by or '')}: {one_line(row.removed_why or '')}"
    return f"{line}  (taken back {removed})"


async def _person(conn: Connection, company_id: int, candidate_id: int | None, number: str | None) -> Person:
    country = await settings.country(conn, company_id)
    if country is None:
        await must_be_known(conn, company_id)
    country = country or _NO_COUNTRY
    if candidate_id is None:
        return Person(company_id, None, (_read(number or "", country),), country)
    numbers = await people.numbers_of(conn, company_id, candidate_id, country)
    return Person(company_id, candidate_id, numbers, country)


def _read(number: str, country: str) -> str:
    """The one number (E.164) in what was typed."""
    reading = read_text(number, country)
    if len(reading.numbers) == 1:
        return reading.numbers[0]
    because = _WHY_NOT[reason] if (reason := reading.reason) else "it holds several"
    raise BadInput(
        f"This telephone number cannot be used: {because}.",
        means="Nothing was changed.",
        remedy="A national number is read as one of the company's country; any other needs its code, like +49.",
    )


async def _candidates(conn: Connection, person: Person, rows: Sequence[OptOut] = ()) -> list[int]:
    """All candidates that are this person: by id, by any of the numbers, and whom these opt-outs name."""
    numbers = {*person.numbers, *(row.e164 for row in rows if row.e164)}
    named = {person.candidate_id, *(row.candidate_id for row in rows)}
    same = await people.candidates_with(conn, person.company_id, numbers, person.country) if numbers else []
    return sorted({*same, *(one for one in named if one is not None)})


def _database_url() -> str:
    return Config.from_env().require("database_url").database_url
