"""`klara-daemon timeline`: one candidate's story, day by day, in the company's time, with the rules by their codes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from klara_daemon.store.database import About, Database
from tests.commands.command_line import Ended, give
from tests.commands.installation import COMPANY, Installation

CANDIDATE = 64537342
MORNING = datetime(2026, 9, 7, 7, 0, tzinfo=UTC)


@dataclass
class Story:
    """A candidate of whom things are noted; the clock is moved by hand."""

    installed: Installation
    database: Database
    now: datetime

    async def note(self, event: str, rule: str | None = None, **details: object) -> None:
        """Note a line, a minute after the last."""
        self.now += timedelta(minutes=1)
        async with self.database.transaction() as tx:
            tx.now = self.now
            tx.note(event, About(COMPANY, CANDIDATE), rule=rule, **details)

    async def told(self, candidate: str = str(CANDIDATE), company: str = str(COMPANY)) -> Ended:
        """What the command says."""
        return await self.installed.give("timeline", candidate, "--company", company)


@pytest.fixture
async def story(installed: Installation) -> AsyncIterator[Story]:
    url = installed.environment["KLARA_DATABASE_URL"]
    database = await Database.open(url, lambda: datetime.now(UTC))
    yield Story(installed, database, MORNING)
    await database.close()


async def test_a_story_is_told_in_order_by_days_with_rules_and_reasons(story: Story) -> None:
    await story.note("stage_entered", stage_id=1, already_there=False)
    await story.note(
        "call_planned", "pause", due_at=str(MORNING), says="The candidate has only just entered the stage."
    )
    await story.note("call_ended", disposition="no_answer", number=1)
    story.now = datetime(2026, 9, 8, 22, 30, tzinfo=UTC)
    await story.note("question_answered", question="Wie viele?", heard="Zwölf\x1b[31m\u202e\nJahre")
    await story.note(
        "outreach_ended", "maximum", outcome="exhausted", says="The maximum number of attempts is used up."
    )

    ended = await story.told()

    assert ended.status == 0
    assert ended.printed.splitlines() == [
        "Times are those of Europe/Berlin.",
        "",
        "Monday 7 September 2026",
        "  09:01:00  was moved to the watched stage",
        "  09:02:00  next call: Monday 7 September, 09:00. The candidate has only just entered the stage.  [pause]",
        "  09:03:00  call 1: nobody answered",
        "",
        "Wednesday 9 September 2026",
        "  00:31:00  asked “Wie viele?”, says “Zwölf [31m Jahre”",
        "  00:32:00  given up: never reached. The maximum number of attempts is used up.  [maximum]",
        "",
        "No call is due.",
    ]


async def test_the_next_call_is_told_in_the_companys_time(story: Story) -> None:
    await story.note("stage_entered")
    await story.installed.conn.execute(
        "SET session_replication_role = replica;"
        "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
        " opened_at, due_at) SELECT gen_random_uuid(), gen_random_uuid(), 89564, 64537342, 1, 1, 1, 'interview',"
        " 'waiting', now(), '2026-10-26T08:00Z'"
    )

    assert (await story.told()).printed.endswith("\nNext call: Monday 26 October, 09:00\n")


async def test_a_zone_that_is_not_known_is_no_reason_to_tell_nothing(story: Story) -> None:
    await story.note("stage_entered")
    await story.installed.conn.execute(
        "SET session_replication_role = replica; UPDATE companies SET time_zone = 'Mars/Olympus'"
    )

    assert (await story.told()).printed.startswith("Times are those of UTC.")


async def test_a_company_without_settings_is_told_of_in_utc(story: Story) -> None:
    await story.note("stage_entered")
    await story.installed.conn.execute("DELETE FROM calling_windows")

    assert (await story.told()).printed.startswith("Times are those of UTC.")


@pytest.mark.parametrize(("candidate", "company"), [("1", str(COMPANY)), (str(CANDIDATE), "7"), (str(2**63 - 1), "7")])
async def test_of_whom_nothing_is_known_that_is_said(story: Story, candidate: str, company: str) -> None:
    await story.note("stage_entered")

    ended = await story.told(candidate, company)

    assert ended.status == 2
    assert f"Nothing is known of candidate {candidate} of company {company}." in ended.told


@pytest.mark.parametrize(("candidate", "company"), [("0", "1"), ("Erika", "1"), ("1", "acme"), (str(2**63), "1")])
async def test_what_is_no_id_is_refused(story: Story, candidate: str, company: str) -> None:
    assert (await story.told(candidate, company)).status == 2


async def test_without_a_database_it_says_which_variable_is_missing() -> None:
    ended = await give("timeline", "1", "--company", "1", environment={"X": str(uuid4())})

    assert ended.status == 78
    assert "KLARA_DATABASE_URL is missing" in ended.told
