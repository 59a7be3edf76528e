"""`klara-daemon optout`: entered and taken back with who and why, numbers masked, nothing ever forgotten."""

from __future__ import annotations

import getpass
import re
from typing import Any

import pytest

from klara_daemon.commands.optout import _WHY_NOT
from klara_daemon.domain.phone_numbers import NoNumber
from klara_daemon.store import companies
from tests.commands.command_line import Ended, give
from tests.commands.installation import COMPANY, Installation

ERIKA, SAME, OTHER = 64537342, 64537343, 64537344
NUMBER, NUMBER_2, NUMBER_3 = "+4915123456701", "+4915123456702", "+4915123456703"
MASKED, MASKED_2 = "+49151…701", "+49151…702"
INSTANT = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"


@pytest.fixture(name="known")
async def _known(installed: Installation) -> Installation:
    """An installation in which candidates are known: one with two numbers, the same person again, somebody else."""
    await installed.conn.executemany(
        "INSERT INTO candidates (company_id, candidate_id, name, phones) VALUES ($1, $2, 'E', $3)",
        [
            (COMPANY, ERIKA, ["0151 23456701", NUMBER_2]),
            (COMPANY, SAME, ["0049 151/23456702"]),
            (COMPANY, OTHER, [NUMBER_3]),
        ],
    )
    return installed


async def do(installed: Installation, what: str, *words: str, company: int = COMPANY) -> Ended:
    """Give an `optout` command that has who and why."""
    signed = ("--why", "wrote an e-mail", "--who", "anna")
    ended = await installed.give("optout", what, "--company", str(company), *words, *signed)
    assert not re.search(r"\+49\d{6}", ended.printed + ended.told), "no number is shown in full"
    return ended


async def rows(installed: Installation) -> list[tuple[Any, ...]]:
    found = await installed.conn.fetch(
        "SELECT candidate_id, e164, who, why, removed_by, removed_why FROM opt_outs ORDER BY id"
    )
    return [tuple(row) for row in found]


async def notes(installed: Installation) -> set[tuple[int, str]]:
    found = await installed.conn.fetch("SELECT candidate_id, event FROM timeline")
    return {(row["candidate_id"], row["event"]) for row in found}


def said(ended: Ended) -> list[str]:
    assert ended.status == 0, ended
    return ended.printed.splitlines()


async def test_a_candidate_is_opted_out_with_every_number_that_is_known(known: Installation) -> None:
    lines = said(await do(known, "add", "--candidate", str(ERIKA)))

    assert lines == [
        f"Never called again by company {COMPANY}: candidate {ERIKA} ({MASKED}, {MASKED_2}).",
        f"Candidates who are the same person by number: {SAME}.",
    ]
    signed = ("anna", "wrote an e-mail", None, None)
    assert await rows(known) == [(ERIKA, NUMBER, *signed), (ERIKA, NUMBER_2, *signed)]
    assert await notes(known) == {(ERIKA, "opted_out"), (SAME, "opted_out")}


async def test_a_candidate_who_was_never_read_is_opted_out_by_the_id_alone(known: Installation) -> None:
    lines = said(await do(known, "add", "--candidate", "1"))

    assert lines == [f"Never called again by company {COMPANY}: candidate 1 (no number is known)."]
    assert [row[:2] for row in await rows(known)] == [(1, None)]


@pytest.mark.parametrize("typed", [NUMBER, "0151 23456701", "(0151) 23456-701", "0049 151 23456701"])
async def test_a_number_is_opted_out_however_it_is_typed(known: Installation, typed: str) -> None:
    lines = said(await do(known, "add", "--number", typed))

    assert lines[0] == f"Never called again by company {COMPANY}: number {MASKED}."
    assert [row[:2] for row in await rows(known)] == [(None, NUMBER)]
    assert await notes(known) == {(ERIKA, "opted_out")}


async def test_a_number_that_nobody_has_is_opted_out_too(known: Installation) -> None:
    assert len(said(await do(known, "add", "--number", "0521 12345"))) == 1
    assert await notes(known) == set()


async def test_the_user_of_the_system_is_named_where_nobody_is(known: Installation) -> None:
    await known.give("optout", "add", "--company", str(COMPANY), "--candidate", "1", "--why", "x")

    assert [row[2:4] for row in await rows(known)] == [(getpass.getuser(), "x")]


@pytest.mark.parametrize("again", [("--candidate", str(ERIKA)), ("--number", "0151 23456702")])
async def test_who_is_opted_out_stays_as_entered(known: Installation, again: tuple[str, str]) -> None:
    await do(known, "add", "--candidate", str(ERIKA))
    before, noted = await rows(known), await known.conn.fetchval("SELECT count(*) FROM timeline")

    (line,) = said(await do(known, "add", *again))

    assert line.startswith("Opted out before: ")
    assert line.endswith(". Nothing was changed.")
    assert await rows(known) == before
    assert await known.conn.fetchval("SELECT count(*) FROM timeline") == noted


async def test_the_timeline_tells_of_it_without_the_number(known: Installation) -> None:
    await do(known, "add", "--number", NUMBER)
    await do(known, "remove", "--number", NUMBER)
    told = (await known.give("timeline", str(ERIKA), "--company", str(COMPANY))).printed

    assert "is never called again by this company (entered by anna). wrote an e-mail" in told
    assert "an opt-out was taken back (entered by anna). wrote an e-mail" in told
    assert "+49" not in told


# Taking back


async def test_what_is_taken_back_stays_with_who_and_why(known: Installation) -> None:
    await do(known, "add", "--candidate", str(OTHER))

    lines = said(await do(known, "remove", "--candidate", str(OTHER)))

    assert lines == [f"Taken back: candidate {OTHER} (+49151…703). What has ended because of it stays ended."]
    assert [row[4:] for row in await rows(known)] == [("anna", "wrote an e-mail")]
    assert (OTHER, "opt_out_removed") in await notes(known)


async def test_who_is_still_opted_out_by_number_is_named(known: Installation) -> None:
    await do(known, "add", "--number", NUMBER_2)
    await do(known, "add", "--candidate", str(ERIKA))

    first, *left = said(await do(known, "remove", "--candidate", str(ERIKA)))

    assert first.startswith(f"Taken back: candidate {ERIKA} ")
    assert len(left) == 1
    pattern = f"Still opted out: {INSTANT}  any candidate  {re.escape(MASKED_2)}  anna: wrote an e-mail"
    assert re.fullmatch(pattern, left[0])


async def test_who_is_still_opted_out_by_candidate_is_named(known: Installation) -> None:
    await do(known, "add", "--candidate", str(ERIKA))

    _, *left = said(await do(known, "remove", "--number", NUMBER_2))

    assert [re.sub(INSTANT, "T", line) for line in left] == [
        f"Still opted out: T  candidate {ERIKA}  {MASKED}  anna: wrote an e-mail"
    ]
    assert {(ERIKA, "opt_out_removed"), (SAME, "opt_out_removed")} <= await notes(known)


@pytest.mark.parametrize("whom", [("--candidate", str(OTHER)), ("--number", NUMBER_3)])
async def test_nothing_to_take_back_is_refused(known: Installation, whom: tuple[str, str]) -> None:
    await do(known, "add", "--candidate", str(ERIKA))

    ended = await do(known, "remove", *whom)

    assert (ended.status, ended.printed) == (2, "")
    assert "Not opted out: " in ended.told
    assert f"`klara-daemon optout list --company {COMPANY}` shows who is." in ended.told


# Listing


async def test_nobody_has_opted_out(known: Installation) -> None:
    assert said(await known.give("optout", "list", "--company", str(COMPANY))) == ["0 opted out."]


async def test_opt_outs_are_listed_with_numbers_masked(known: Installation) -> None:
    await do(known, "add", "--candidate", str(OTHER))
    await do(known, "remove", "--candidate", str(OTHER))
    await do(known, "add", "--number", NUMBER)
    await do(known, "add", "--candidate", "1")
    listing = ("optout", "list", "--company", str(COMPANY))

    standing = said(await known.give(*listing))
    every = said(await known.give(*listing, "--all"))
    in_full = said(await known.give(*listing, "--numbers"))

    assert [re.sub(INSTANT, "T", line) for line in standing] == [
        f"T  any candidate  {MASKED}  anna: wrote an e-mail",
        "T  candidate 1  no number  anna: wrote an e-mail",
        "2 opted out.",
    ]
    assert [re.sub(INSTANT, "T", line) for line in every[:1] + every[-1:]] == [
        f"T  candidate {OTHER}  +49151…703  anna: wrote an e-mail  (taken back T by anna: wrote an e-mail)",
        "2 opted out, 1 taken back.",
    ]
    assert every[1:3] == standing[:2]
    assert re.sub(INSTANT, "T", in_full[0]) == f"T  any candidate  {NUMBER}  anna: wrote an e-mail"


async def test_another_companys_opt_outs_are_not_listed(known: Installation) -> None:
    await companies.store_token(known.conn, known.vault, 7, "token-of-7")
    await do(known, "add", "--number", NUMBER, company=7)

    assert said(await known.give("optout", "list", "--company", str(COMPANY))) == ["0 opted out."]
    assert await notes(known) == set()


# What cannot be used


@pytest.mark.parametrize(
    ("typed", "because"),
    [
        ("", "nothing was given"),
        ("keine", "it is none"),
        ("112", "it is too short"),
        ("0" * 40, "it is too long"),
        ("116117", "no such number is in use"),
        ("0800 1234567", "it is of a kind that Klara never calls"),
        ("0521 12345, 0151 23456701", "it holds several"),
    ],
)
@pytest.mark.parametrize("what", ["add", "remove"])
async def test_what_is_no_number_is_refused_with_the_reason(
    known: Installation, what: str, typed: str, because: str
) -> None:
    ended = await do(known, what, "--number", typed)

    assert (ended.status, ended.printed) == (2, "")
    assert f"This telephone number cannot be used: {because}." in ended.told
    assert not typed or typed not in ended.told
    assert await rows(known) == []


def test_every_reason_why_a_number_is_none_has_its_words() -> None:
    assert set(_WHY_NOT) == set(NoNumber)


async def test_without_settings_a_number_needs_its_country_code(known: Installation) -> None:
    await companies.store_token(known.conn, known.vault, 7, "token-of-7")

    national = await do(known, "add", "--number", "0151 23456701", company=7)
    international = await do(known, "add", "--number", NUMBER, company=7)

    assert national.status == 2
    assert international.status == 0
    assert [row[1] for row in await rows(known)] == [NUMBER]


@pytest.mark.parametrize("whom", [("--candidate", "1"), ("--number", NUMBER)])
@pytest.mark.parametrize("what", ["add", "remove"])
async def test_a_company_that_nobody_knows_is_refused(known: Installation, what: str, whom: tuple[str, str]) -> None:
    ended = await do(known, what, *whom, company=4711)

    assert ended.status == 2
    assert "Company 4711 has neither settings nor secrets here." in ended.told
    assert (await known.give("optout", "list", "--company", "4711")).status == 2


@pytest.mark.parametrize(
    "words",
    [(), ("--candidate", "1", "--number", NUMBER), ("--candidate", "0"), ("--candidate", "Erika"),
     ("--candidate", str(2**63))],
)  # fmt: skip
@pytest.mark.parametrize("what", ["add", "remove"])
async def test_it_must_be_said_who_is_meant(known: Installation, what: str, words: tuple[str, ...]) -> None:
    assert (await do(known, what, *words)).status == 2
    assert await rows(known) == []


async def test_it_must_be_said_why(known: Installation) -> None:
    ended = await known.give("optout", "add", "--company", str(COMPANY), "--candidate", "1", "--why", "  ")

    assert ended.status == 2
    assert await rows(known) == []


@pytest.mark.parametrize("words", [("add", "--candidate", "1", "--why", "x"), ("list",)])
async def test_a_database_that_is_away_is_said_to_be(words: tuple[str, ...]) -> None:
    environment = {"KLARA_DATABASE_URL": "postgresql://x:pa55@127.0.0.1:1/x"}
    ended = await give("optout", *words, "--company", "1", environment=environment)

    assert ended.status == 1
    assert "The database cannot be reached" in ended.told
    assert "pa55" not in ended.told
