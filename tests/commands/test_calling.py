"""`klara-daemon calling`: nobody is called while it is paused, everybody is told so, and it goes on by one command."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import sys

import pytest

from klara_daemon.commands import calling
from klara_daemon.store import calls, companies, pauses
from klara_daemon.store.database import Connection
from tests.commands.command_line import Ended, give
from tests.commands.installation import COMPANY, Installation
from tests.eventually import eventually

OTHER = 7
LIVE = """
SET session_replication_role = replica;
INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state, claimed_at,
    placed_at) VALUES (gen_random_uuid(), gen_random_uuid(), {company}, 64537342, 2, '{e164}', '+4952112345670',
    'twilio', 'ringing', now(), '2026-09-07T07:03Z');
RESET session_replication_role
"""
END = "UPDATE attempts SET state = 'ended', disposition = 'no_answer', ended_at = now() WHERE company_id = {company}"
FAILING = "INSERT INTO trunks (provider, paused_until, paused_because) VALUES ('twilio', now() + {ends}, '12 of 20')"


@pytest.fixture(name="two")
async def _two(installed: Installation) -> Installation:
    """An installation that knows another company, too."""
    await companies.store_token(installed.conn, installed.vault, OTHER, "token-of-7")
    return installed


async def paused(installed: Installation) -> dict[int, tuple[str, str]]:
    rows = await installed.conn.fetch("SELECT company_id, who, why FROM calling_pauses")
    return {row["company_id"]: (row["who"], row["why"]) for row in rows}


async def ring(installed: Installation, company: int = COMPANY, e164: str = "+4915123456701") -> None:
    await installed.conn.execute(LIVE.format(company=company, e164=e164))


def said(ended: Ended) -> list[str]:
    assert ended.status == 0, ended
    return ended.printed.splitlines()


async def test_every_company_is_paused_and_goes_on(two: Installation) -> None:
    first = await two.give("calling", "pause", "--why", "The line is noisy", "--who", "anna")
    standing = await paused(two)
    resumed = await two.give("calling", "resume")

    assert said(first) == ["Calling is paused for every company. Calls that are under way go on."]
    assert standing == {0: ("anna", "The line is noisy")}
    assert said(resumed) == ["The pause of every company is over."]
    assert await paused(two) == {}


async def test_one_company_is_paused_by_the_user_of_the_system(two: Installation) -> None:
    ended = await two.give("calling", "pause", "--company", str(OTHER), "--why", " Betriebs\nausflug\x1b ")

    assert said(ended) == ["Calling is paused for company 7. Calls that are under way go on."]
    assert await paused(two) == {OTHER: (getpass.getuser(), "Betriebs ausflug")}
    history = await two.conn.fetchval("SELECT who FROM settings_history WHERE table_name = 'calling_pauses'")
    assert history == getpass.getuser()


async def test_pausing_twice_changes_nothing_and_names_the_first(installed: Installation) -> None:
    words = ("calling", "pause", "--company", str(COMPANY))
    await installed.give(*words, "--why", "first", "--who", "anna")

    (line,) = said(await installed.give(*words, "--why", "second", "--who", "ben"))

    assert line.startswith(f"Calling was paused for company {COMPANY} before, since 20")
    assert line.endswith(" UTC by anna: first. Nothing was changed.")
    assert await paused(installed) == {COMPANY: ("anna", "first")}


@pytest.mark.parametrize("whose", [(), ("--company", str(COMPANY))])
async def test_resuming_what_is_not_paused_is_no_fault(installed: Installation, whose: tuple[str, ...]) -> None:
    (line,) = said(await installed.give("calling", "resume", *whose))

    assert line == f"Calling was not paused for {'company 89564' if whose else 'every company'}."


@pytest.mark.parametrize("was_paused", [True, False])
async def test_who_resumes_one_company_is_told_that_all_are_paused(installed: Installation, was_paused: bool) -> None:
    await installed.give("calling", "pause", "--why", "all", "--who", "anna")
    if was_paused:
        await installed.give("calling", "pause", "--company", str(COMPANY), "--why", "one")

    first, second = said(await installed.give("calling", "resume", "--company", str(COMPANY)))

    assert first == (
        "The pause of company 89564 is over." if was_paused else "Calling was not paused for company 89564."
    )
    assert second.startswith("The pause of every company still holds, since 20")
    assert second.endswith(" UTC by anna: all. `klara-daemon calling resume` ends it.")
    assert set(await paused(installed)) == {0}


async def test_who_resumes_all_is_told_which_company_is_still_paused(installed: Installation) -> None:
    await installed.give("calling", "pause", "--why", "all")
    await installed.give("calling", "pause", "--company", str(COMPANY), "--why", "one", "--who", "ben")

    first, second = said(await installed.give("calling", "resume"))

    assert first == "The pause of every company is over."
    assert second.startswith("Company 89564 is still paused, since ")
    assert second.endswith("by ben: one. `klara-daemon calling resume --company 89564` ends it.")


@pytest.mark.parametrize("ends", ["interval '5 minutes'", "interval '-1 minute'"])
async def test_resuming_all_frees_a_trunk_that_is_paused_or_on_trial(installed: Installation, ends: str) -> None:
    await installed.conn.execute(FAILING.format(ends=ends))
    await installed.give("calling", "resume", "--company", str(COMPANY))
    assert await installed.conn.fetchval("SELECT paused_until FROM trunks") is not None

    lines = said(await installed.give("calling", "resume"))

    assert lines == [
        "Calling was not paused for every company.",
        "Trunk twilio is free again: its pause is over, and what failed before counts no more.",
    ]
    assert await installed.conn.fetchval("SELECT paused_until FROM trunks") is None


@pytest.mark.parametrize("words", [("pause", "--why", "x"), ("resume",)])
async def test_a_company_that_nobody_knows_is_refused(installed: Installation, words: tuple[str, ...]) -> None:
    ended = await installed.give("calling", *words, "--company", "4711")

    assert (ended.status, ended.printed) == (2, "")
    assert "Company 4711 has neither settings nor secrets here." in ended.told
    assert await paused(installed) == {}


async def test_a_pause_outlives_its_company_and_can_be_ended(two: Installation) -> None:
    await two.give("calling", "pause", "--company", str(OTHER), "--why", "x")
    await two.conn.execute("DELETE FROM company_secrets WHERE company_id = 7")

    assert said(await two.give("calling", "resume", "--company", str(OTHER))) == ["The pause of company 7 is over."]


@pytest.mark.parametrize(
    "words",
    [(), ("--why", ""), ("--why", " \n"), ("--why", "x" * 501), ("--why", "x", "--who", " "),
     ("--why", "x", "--who", "y" * 201), ("--why", "x", "--company", "0"), ("--why", "x", "--company", "acme")],
)  # fmt: skip
async def test_what_cannot_be_kept_is_refused(installed: Installation, words: tuple[str, ...]) -> None:
    ended = await installed.give("calling", "pause", *words)

    assert (ended.status, ended.printed) == (2, "")
    assert await paused(installed) == {}


# Waiting


async def wait_for(installed: Installation, *words: str) -> asyncio.Task[Ended]:
    """A command that has paused and waits. Only one can be given at a time: each has the test's standard output."""
    waiting = asyncio.create_task(installed.give("calling", "pause", "--why", "x", "--wait", *words))
    await eventually(lambda: paused(installed))
    return waiting


async def test_waiting_lasts_until_no_call_of_the_company_is_left(two: Installation) -> None:
    await ring(two)
    await ring(two, OTHER, "+4915123456702")
    waiting = await wait_for(two, "--company", str(COMPANY))
    await two.conn.execute(END.format(company=COMPANY))

    assert said(await waiting)[1:] in (
        ["Waiting for 1 call to end.", "No call is under way."],
        ["No call is under way."],
    )


async def test_waiting_tells_how_many_are_left(two: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([2, 2, 1, 0])

    async def under_way(_: Connection, company_id: int | None = None) -> list[None]:
        assert company_id is None
        return [None] * next(left)

    monkeypatch.setattr(calling, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(calls, "under_way", under_way)

    assert said(await two.give("calling", "pause", "--why", "x", "--wait"))[1:] == [
        "Waiting for 2 calls to end.",
        "Waiting for 1 call to end.",
        "No call is under way.",
    ]


async def test_waiting_repeats_itself(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([1, 1, 1, 0])

    async def under_way(_: Connection, __: int | None = None) -> list[None]:
        return [None] * next(left)

    monkeypatch.setattr(calling, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(calling, "TELL_EVERY_S", 0.0)
    monkeypatch.setattr(calls, "under_way", under_way)

    assert (
        said(await installed.give("calling", "pause", "--why", "x", "--wait"))[1:-1]
        == ["Waiting for 1 call to end."] * 3
    )


async def test_who_waits_is_told_that_somebody_resumed(installed: Installation) -> None:
    await ring(installed)
    waiting = await wait_for(installed)
    await pauses.resume(installed.conn, 0, "ben")

    ended = await waiting
    assert ended.status == 1
    assert "Somebody resumed calling meanwhile." in ended.told


async def test_nothing_to_wait_for_ends_at_once(installed: Installation) -> None:
    assert said(await installed.give("calling", "pause", "--why", "x", "--wait"))[1:] == ["No call is under way."]


async def test_ctrl_c_ends_the_waiting_and_leaves_the_pause(installed: Installation) -> None:
    await ring(installed)
    words = ("-m", "klara_daemon", "calling", "pause", "--why", "x", "--wait")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=os.environ | installed.environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    assert await process.stdout.readline() == b"Waiting for 1 call to end.\n"
    process.send_signal(signal.SIGINT)
    _, told = await process.communicate()

    assert (process.returncode, told) == (
        1,
        b"Not waited to the end: calls may be under way. Calling stays paused.\n",
    )
    assert set(await paused(installed)) == {0}


# Showing


async def test_nothing_is_paused_and_nobody_is_called(installed: Installation) -> None:
    assert said(await installed.give("calling", "show")) == ["Calling is not paused.", "0 calls under way."]


async def test_pauses_trunks_and_calls_are_shown_without_numbers(installed: Installation) -> None:
    await installed.give("calling", "pause", "--why", "all", "--who", "anna")
    await installed.give("calling", "pause", "--company", str(COMPANY), "--why", "one", "--who", "ben")
    await installed.conn.execute(FAILING.format(ends="interval '5 minutes'"))
    await ring(installed)

    first, second, trunk, *live = said(ended := await installed.give("calling", "show"))

    assert first.startswith("Calling is paused for every company, since 20")
    assert first.endswith(" UTC by anna: all.")
    assert second.startswith("Calling is paused for company 89564, since ")
    assert trunk == "Trunk twilio is paused, or tried with single calls after a pause: 12 of 20"
    assert live == [
        "1 call under way:",
        "  company 89564, candidate 64537342, call 2: ringing, placed 2026-09-07 07:03:00 UTC",
    ]
    assert "+49" not in ended.printed


@pytest.mark.parametrize("words", [("show",), ("pause", "--why", "x", "--wait"), ("resume",)])
async def test_a_database_that_is_away_is_said_to_be(words: tuple[str, ...]) -> None:
    ended = await give("calling", *words, environment={"KLARA_DATABASE_URL": "postgresql://x:pa55@127.0.0.1:1/x"})

    assert ended.status == 1
    assert "The database cannot be reached" in ended.told
    assert "pa55" not in ended.told
