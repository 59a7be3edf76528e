"""`klara-daemon settings apply --dry-run`: what it says comes true when it is done, and until then nothing changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.actors.conftest import _one_database, _scene, emptied_database_url, furnished_database_url, watching
from tests.actors.scene import CALLING_PART, SETTINGS, Scene
from tests.commands.command_line import Ended, give

__all__ = ["_one_database", "_scene", "emptied_database_url", "furnished_database_url", "watching"]


def document(**calling: object) -> str:
    """The settings of the scene, but for this."""
    return json.dumps({**SETTINGS, "calling": {**CALLING_PART, **calling}})


async def rehearse(scene: Scene, text: str) -> Ended:
    return await give(
        "settings", "apply", "-", "--dry-run", environment={"KLARA_DATABASE_URL": scene.database_url}, typed=text
    )


async def rows(scene: Scene) -> list[dict[str, Any]]:
    """All that it might have changed."""
    return [
        *await scene.rows("SELECT * FROM outreaches ORDER BY id"),
        *await scene.rows("SELECT * FROM calling_windows ORDER BY opens"),
        *await scene.rows("SELECT * FROM call_settings"),
        *await scene.rows("SELECT * FROM settings_history"),
        *await scene.rows("SELECT * FROM timeline ORDER BY id"),
    ]


@pytest.fixture(name="people")
async def _people(watching: Scene) -> Scene:
    """Three people who wait, by the machine's own clock, which the command reads: at noon on a day of next week."""
    watching.clock.set(datetime.now(UTC))
    await watching.configure(calling={"observe_public_holidays": False})
    for nth in range(3):
        await watching.open_outreach(f"0151 234567{nth:02}")
    return watching


async def test_what_is_said_comes_true(people: Scene) -> None:
    later = people.clock() + timedelta(days=20)
    closed = [str((people.clock() + timedelta(days=day)).date()) for day in range(-1, 20)]
    before = await rows(people)
    ended = await rehearse(people, document(closed_days=closed, observe_public_holidays=False))

    assert ended.status == 0
    assert "Would save the settings of Pflege am Teuto (89564):\n  call_settings: 1 changed" in ended.printed
    assert "Of 3 who wait for a call:\n  3 calls move\n  0 of them come today instead of later\n" in ended.printed
    assert ended.printed.endswith("Nothing was changed.\n")
    assert await rows(people) == before

    await people.configure(calling={"closed_days": closed, "observe_public_holidays": False})
    await people.scheduler.follow_settings()
    due = [row["due_at"] for row in await people.rows("SELECT due_at FROM outreaches")]
    assert all(at >= later - timedelta(days=1) for at in due)


async def test_who_would_be_held_is_counted(people: Scene) -> None:
    every_day = [str((people.clock() + timedelta(days=day)).date()) for day in range(-1, 500)]
    ended = await rehearse(people, document(closed_days=every_day))
    assert "  0 calls move\n" in ended.printed
    assert "  3 are held: the settings would allow them no call\n" in ended.printed


async def test_who_would_end_is_counted(people: Scene) -> None:
    async with people.database.connection() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")  # it may be a Sunday
        await conn.execute(
            "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
            " claimed_at, placed_at, ended_at, disposition) SELECT gen_random_uuid(), id, company_id, candidate_id, 1,"
            " number, '+49', 'twilio', 'ended', opened_at, opened_at, opened_at, 'no_answer' FROM outreaches LIMIT 1"
        )
    ended = await rehearse(people, document(max_attempts=1))
    assert "  1 end: nobody is called any more\n" in ended.printed


async def test_a_bad_document_is_refused_as_ever(people: Scene) -> None:
    ended = await rehearse(people, document(weekdays=["sun"]))
    assert ended.status == 2
    assert "calling.weekdays[0]: Klara never calls on a Sunday" in ended.told


async def test_nothing_to_change_says_so_and_moves_nobody(people: Scene) -> None:
    ended = await rehearse(people, document(observe_public_holidays=False))
    assert "Nothing to change" in ended.printed
    assert "Of 3 who wait for a call:\n  0 calls move\n" in ended.printed
