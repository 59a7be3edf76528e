"""The demo's story: who is in it, how it is told, by which clock, and that nothing that goes wrong is passed over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from klara_daemon.config import Config
from klara_daemon.demo.clock import MONDAY_MORNING, DemoClock
from klara_daemon.demo.narrator import QUIET_LINES, WIDEST_LINE, Narrator
from klara_daemon.demo.people import PEOPLE, Person
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.story import verdict
from klara_daemon.demo.telephone.people import Answers
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.demo.world import APPLIED, BERLIN, CALL, COMPANY, INTERVIEW, OFFER, SETTINGS, World
from klara_daemon.domain.attempt_policy import Call, Situation, Wait, may_call
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.settings import parse
from klara_daemon.domain.telling import _TOLD
from klara_daemon.store import settings
from klara_daemon.store.database import About, Database
from tests.actors.emptied import _one_database, emptied_database_url

__all__ = ["_one_database", "emptied_database_url"]

ERIKA, UNREACHABLE = PEOPLE[0], PEOPLE[-1]


@pytest.fixture
async def world(emptied_database_url: str) -> AsyncIterator[World]:
    """Two people in a small Recruitee; no daemon has done anything about them yet."""
    clock = DemoClock()
    database = await Database.open(emptied_database_url, clock.now)
    recruitee = SmallRecruitee(clock.now, BERLIN)
    recruitee.add_company(COMPANY, "Pflege am Teuto", "token")
    stages = [(APPLIED, "Beworben", "apply"), (CALL, "Telefon", "phone_screen"), (INTERVIEW, "Gespräch", "interview")]
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft", stages)
    candidates: dict[int, Person] = {
        recruitee.add_candidate(COMPANY, person.name, [person.phone], OFFER, APPLIED): person
        for person in (ERIKA, UNREACHABLE)
    }
    telephone = TelephoneNetwork(account_sid="AC", auth_token="token", now=clock.now)
    yield World(Config(), clock, database, recruitee, telephone, candidates)
    await database.close()


class Told:
    """What a narrator has said, and what it is to hear of."""

    def __init__(self, world: World) -> None:
        self.lines: list[str] = []
        self.world = world
        self.narrator = Narrator(world, self.lines.append)

    async def note(self, who: Person, event: str, at: datetime = MONDAY_MORNING, **details: Any) -> None:
        """Something is noted about somebody."""
        candidate_id = next(id_ for id_, person in self.world.candidates.items() if person is who)
        async with self.world.database.transaction() as tx:
            tx.now = at
            tx.note(event, About(COMPANY, candidate_id, OFFER), **details)

    async def told(self) -> list[str]:
        """What is told of it."""
        self.lines.clear()
        await self.narrator.tell_news()
        return "\n".join(self.lines).splitlines()


async def test_each_line_is_told_once_below_its_day_with_names_in_a_column(world: World) -> None:
    told = Told(world)
    await told.note(ERIKA, "call_placed", number=1)
    await told.note(UNREACHABLE, "call_ended", number=1, disposition="no_answer")
    assert await told.told() == [
        "",
        "Monday 7 September",
        "  09:00  Erika Mustermann  call 1: Klara rings",
        "  09:00  Ole Nie-Da        call 1: nobody answered",
    ]
    assert await told.told() == []
    due_at = (MONDAY_MORNING + timedelta(days=1)).isoformat()
    await told.note(UNREACHABLE, "call_planned", due_at=due_at)
    await told.note(UNREACHABLE, "call_placed", MONDAY_MORNING + timedelta(days=1), number=2)
    assert await told.told() == [
        "  09:00  Ole Nie-Da        next call: Tuesday 8 September, 09:00",
        "",
        "Tuesday 8 September",
        "  09:00  Ole Nie-Da        call 2: Klara rings",
    ]


async def test_a_line_that_was_committed_late_is_told_too(world: World) -> None:
    told = Told(world)
    late = await world.database._pool.acquire()
    transaction = late.transaction()
    await transaction.start()
    await late.execute(
        "INSERT INTO timeline (company_id, candidate_id, at, event) VALUES ($1, $2, $3, 'call_answered')",
        COMPANY, next(iter(world.candidates)), MONDAY_MORNING,
    )  # fmt: skip
    await told.note(ERIKA, "call_ended", number=1, disposition="interviewed")
    assert (await told.told())[-1].endswith("every question is answered")
    await transaction.commit()
    await world.database._pool.release(late)
    assert [line.split("  ")[-1] for line in await told.told()] == ["the call was taken"]


async def test_stages_are_told_by_their_names_and_notes_by_what_they_say(world: World) -> None:
    told = Told(world)
    erika = next(iter(world.candidates))
    await world.recruitee.move(COMPANY, erika, OFFER, CALL)
    world.recruitee.add_note(erika, ["Telefoninterview mit Klara", "Ergebnis: Alle Fragen sind beantwortet.", "mehr"])
    await told.note(ERIKA, "stage_entered", stage_id=CALL, already_there=False)
    await told.note(ERIKA, "note_written")
    await told.note(ERIKA, "candidate_moved", stage="Gespräch", stage_id=INTERVIEW)
    assert [line.removeprefix("  09:00  Erika Mustermann  ") for line in await told.told()][2:] == [
        "was moved from “Beworben” to “Telefon”",
        "note written to Recruitee: “Ergebnis: Alle Fragen sind beantwortet.”",
        "was moved on to “Gespräch” by Klara",
    ]


@pytest.mark.parametrize(("columns", "width"), [("1", 80), ("90", 90), ("300", WIDEST_LINE)])
async def test_long_lines_are_broken_between_words_below_where_they_began(
    world: World, monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    told = Told(world)
    await told.note(ERIKA, "question_answered", question="Wie viele Jahre? " * 5, heard="Sieben Jahre. " * 5)
    lines = (await told.told())[2:]
    assert len(lines) > 1
    assert width - 10 < max(len(line) for line in lines) <= width
    assert {line[:27] for line in lines[1:]} == {" " * 27}


async def test_what_means_nothing_to_a_recruiter_is_not_told(world: World) -> None:
    told = Told(world)
    assert set(_TOLD) > QUIET_LINES
    for event in QUIET_LINES:
        await told.note(ERIKA, event)
    assert await told.told() == []
    assert not told.narrator.has_met_everybody
    await told.note(UNREACHABLE, "outreach_opened")
    await told.told()
    assert told.narrator.has_met_everybody


async def test_a_story_in_which_nothing_happened_is_not_as_it_must_be(world: World) -> None:
    assert await verdict(world) == [
        "Erika Mustermann ended not at all, not completed",
        "Erika Mustermann was rung 0 times, not 1",
        "Erika Mustermann has 0 notes, not 1",
        "Erika Mustermann stands in “Beworben”",
        "Ole Nie-Da ended not at all, not exhausted",
        "Ole Nie-Da was rung 0 times, not 3",
        "Ole Nie-Da has 0 notes, not 1",
    ]


async def test_what_the_telephone_network_complains_of_is_told(world: World) -> None:
    world.telephone.problems.append("HTTP 500 from http://127.0.0.1/")
    assert (await verdict(world))[0] == "HTTP 500 from http://127.0.0.1/"


def test_the_people_behave_differently_and_every_end_is_among_them() -> None:
    behaviours = {behaviour for person in PEOPLE for behaviour in map(type, person.takes_calls)}
    assert len(PEOPLE) >= 6
    assert len(behaviours) >= 6
    assert len({person.number for person in PEOPLE}) == len({person.name for person in PEOPLE}) == len(PEOPLE)
    assert {person.outcome for person in PEOPLE} >= {
        Outcome.COMPLETED, Outcome.EXHAUSTED, Outcome.REFUSED, Outcome.UNCALLABLE,
    }  # fmt: skip
    assert [type(behaviour) for behaviour in ERIKA.takes_calls] == [Answers]


def test_its_clock_begins_on_a_monday_morning_runs_and_never_goes_back() -> None:
    clock = DemoClock()
    first = clock.now()
    assert first.tzinfo is UTC
    assert timedelta() <= first - MONDAY_MORNING < timedelta(seconds=5)
    assert clock.now() > first
    clock.jump_to(MONDAY_MORNING + timedelta(days=1))
    later = clock.now()
    assert timedelta() <= later - MONDAY_MORNING - timedelta(days=1) < timedelta(seconds=5)
    clock.jump_to(MONDAY_MORNING)
    assert clock.now() >= later


async def test_on_that_morning_its_settings_allow_calls(world: World) -> None:
    async with world.database.transaction() as tx:
        await settings.apply(tx.conn, parse(json.dumps(SETTINGS)), "test")
        company = await settings.company(tx.conn, COMPANY)
    assert company is not None
    situation = Situation(company.rules, number=ERIKA.number, entered_at=MONDAY_MORNING - timedelta(minutes=3))
    assert MONDAY_MORNING.isoweekday() == 1
    assert isinstance(may_call(situation, MONDAY_MORNING.astimezone(UTC)), Call)
    assert isinstance(may_call(situation, MONDAY_MORNING.astimezone(UTC) - timedelta(seconds=1)), Wait)
