"""The client against a small Recruitee, well and unwell."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from klara_daemon import __version__
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.recruitee.faults import Failure
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import (
    Access,
    Gone,
    Reconnect,
    RecruiteeError,
    Refused,
    Stage,
    Unavailable,
)
from tests.recruitee.conftest import ACCESS, APPLIED, CALL, COMPANY, HIRED, INTERVIEW, OFFER, PATIENCE, STAGES

NOTES = "POST /candidates/{candidate}/notes"
MOVE = "PATCH /placements/{placement}/change_stage"


@pytest.fixture
def erika(small: SmallRecruitee) -> int:
    return small.add_candidate(COMPANY, "Erika Müster", ["+49 151 1234567", "n/a"], OFFER, CALL, language="de")


def _placement_id(small: SmallRecruitee, candidate_id: int) -> int:
    return small.candidate(candidate_id).placement(OFFER).id


# --- reading


async def test_who_the_token_is(client: RecruiteeClient, small: SmallRecruitee) -> None:
    admin = await client.whoami(ACCESS)
    assert (admin.company_id, admin.name) == (COMPANY, "Klara Bot")
    assert small.asked[0].user_agent == f"klara-daemon/{__version__}"


async def test_a_token_of_another_company_must_be_reconnected(client: RecruiteeClient, small: SmallRecruitee) -> None:
    small.add_company(777, "Other", "token-of-777")
    with pytest.raises(Reconnect, match="403: Forbidden"):
        await client.whoami(Access(COMPANY, "token-of-777"))


async def test_an_answer_for_another_company_is_not_taken(session: aiohttp.ClientSession) -> None:
    async def admin(_: web.Request) -> web.Response:
        return web.json_response({"admin": {"id": 1, "company_id": 777}})

    app = web.Application()
    app.add_routes([web.get(f"/c/{COMPANY}/admin", admin)])
    async with TestServer(app) as server:
        client = RecruiteeClient(session, str(server.make_url("")), PATIENCE)
        with pytest.raises(Reconnect, match=f"the token belongs to company 777, not to {COMPANY}"):
            await client.whoami(ACCESS)


async def test_an_unknown_token_must_be_reconnected(client: RecruiteeClient) -> None:
    with pytest.raises(Reconnect, match="401: Token not found") as caught:
        await client.whoami(Access(COMPANY, "token-of-nobody"))
    assert "token-of-nobody" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Evil: 1", "schlüssel"])
async def test_a_token_that_is_no_header_is_never_sent(
    client: RecruiteeClient, small: SmallRecruitee, token: str
) -> None:
    with pytest.raises(Reconnect):
        await client.whoami(Access(COMPANY, token))
    assert small.asked == []


async def test_a_candidate_is_read(client: RecruiteeClient, small: SmallRecruitee, erika: int) -> None:
    found = await client.candidate(ACCESS, erika)
    assert (found.id, found.name, found.phones) == (erika, "Erika Müster", ("+49 151 1234567", "n/a"))
    (placement,) = found.placements
    assert (placement.offer_id, placement.stage_id, placement.language) == (OFFER, CALL, "de")
    assert (placement.disqualified, placement.hired, found.deleted) == (False, False, False)
    await small.disqualify(COMPANY, erika, OFFER)
    assert (await client.candidate(ACCESS, erika)).placements[0].disqualified
    await small.hire(COMPANY, erika, OFFER)
    assert (await client.candidate(ACCESS, erika)).placements[0].hired


async def test_a_deleted_candidate_is_gone_or_marked(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.delete(COMPANY, erika)
    with pytest.raises(Gone):
        await client.candidate(ACCESS, erika)
    small.habits.shows_deleted = True
    assert (await client.candidate(ACCESS, erika)).deleted


async def test_a_candidate_of_another_company_is_gone(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.add_company(777, "Other", "token-of-777")
    with pytest.raises(Gone):
        await client.candidate(Access(777, "token-of-777"), erika)


EXPECTED_STAGES = (
    Stage(APPLIED, "Applied", "apply", -1),
    Stage(CALL, "Qualification Call", "phone_screen", 1),
    Stage(INTERVIEW, "Interview", "interview", 2),
    Stage(HIRED, "Hired", "hire", 3),
)


@pytest.mark.parametrize(("template", "stages"), [("inline", EXPECTED_STAGES), ("own", EXPECTED_STAGES), ("gone", ())])
async def test_an_offers_stages_are_found_where_they_are(
    client: RecruiteeClient, small: SmallRecruitee, template: str, stages: tuple[Stage, ...]
) -> None:
    small.add_offer(COMPANY, 5, "Job", STAGES, template=template)  # type: ignore[arg-type]
    offer = await client.offer(ACCESS, 5)
    assert (offer.id, offer.title, offer.status, offer.language, offer.stages) == (5, "Job", "published", "de", stages)


async def test_an_offer_that_is_not_there_is_gone(client: RecruiteeClient) -> None:
    with pytest.raises(Gone):
        await client.offer(ACCESS, 404)


# --- who stands in a stage


async def test_a_stage_is_read_in_one_request(client: RecruiteeClient, small: SmallRecruitee, erika: int) -> None:
    small.add_candidate(COMPANY, "Somebody else", [], OFFER, INTERVIEW)
    found = await client.placements_in_stage(ACCESS, OFFER, CALL)
    assert [(one.id, one.candidate_id) for one in found] == [(_placement_id(small, erika), erika)]
    assert len(small.asked) == 1


async def test_an_empty_stage_holds_nobody(client: RecruiteeClient) -> None:
    assert await client.placements_in_stage(ACCESS, OFFER, CALL) == ()


async def test_a_short_list_is_read_from_the_candidates_instead(client: RecruiteeClient, small: SmallRecruitee) -> None:
    small.add_offer(COMPANY, 5, "Other job with the same template", STAGES)
    there = {small.add_candidate(COMPANY, f"Candidate {number}", [], OFFER, CALL) for number in range(7)}
    small.add_candidate(COMPANY, "In another stage", [], OFFER, INTERVIEW)
    small.add_candidate(COMPANY, "In the stage of another job", [], 5, CALL)
    elsewhere = small.add_candidate(COMPANY, "In both", [], 5, CALL)
    small.add_placement(elsewhere, OFFER, INTERVIEW)
    small.habits.placements_listed, small.habits.candidates_a_page = 3, 2
    found = await client.placements_in_stage(ACCESS, OFFER, CALL)
    assert {one.candidate_id for one in found} == there
    assert len(found) == len(there)


async def test_an_offset_that_is_ignored_does_not_go_on_for_ever(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.add_candidate(COMPANY, "Another", [], OFFER, CALL)
    small.habits.placements_listed, small.habits.ignores_offset = 1, True
    assert len(await client.placements_in_stage(ACCESS, OFFER, CALL)) == 2


@pytest.mark.parametrize("template", ["inline", "gone"])
async def test_a_stage_that_is_not_in_the_offer_is_gone(
    client: RecruiteeClient, small: SmallRecruitee, template: str
) -> None:
    small.companies[COMPANY].offers[OFFER].template = template  # type: ignore[assignment]
    with pytest.raises(Gone, match=f"offer {OFFER} has no stage 404"):
        await client.placements_in_stage(ACCESS, OFFER, 404)


async def test_an_empty_stage_that_is_not_listed_is_not_taken_for_gone(
    client: RecruiteeClient, small: SmallRecruitee
) -> None:
    small.habits.lists_empty_stages = False
    assert await client.placements_in_stage(ACCESS, OFFER, CALL) == ()


# --- notes


async def test_a_note_is_written_by_paragraphs(client: RecruiteeClient, small: SmallRecruitee, erika: int) -> None:
    lines = ["Klara <Telefoninterview>", "", "Antwort: 5 & mehr", "Klara-Ref: 1"]
    note = await client.add_note(ACCESS, erika, lines)
    assert note.text == "\n".join(lines)
    assert small.notes_of(erika) == ["\n".join(lines)]
    assert await client.notes(ACCESS, erika) == (note,)


async def test_a_note_is_written_as_html_where_rich_text_is_refused(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.habits.takes_rich_notes = False
    await client.add_note(ACCESS, erika, ["a < b", "", "Klara-Ref: 1"])
    assert small.notes_of(erika) == ["a < b\n\nKlara-Ref: 1"]
    assert small.times_asked(NOTES) == 2


async def test_a_note_that_is_refused_twice_is_refused(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.faults.fail_next("POST .*/notes", 422, 2)
    with pytest.raises(Refused):
        await client.add_note(ACCESS, erika, ["a"])
    assert (small.times_asked(NOTES), small.notes_of(erika)) == (2, [])


async def test_only_a_refusal_of_the_text_is_tried_as_html(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.faults.fail_next("POST .*/notes", 400)
    with pytest.raises(Refused):
        await client.add_note(ACCESS, erika, ["a"])
    assert small.times_asked(NOTES) == 1


async def test_a_note_that_went_to_somebody_else_is_no_success(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    other = small.add_candidate(COMPANY, "Another", [], OFFER, CALL)
    small.companies[COMPANY].candidates[erika].id = other  # as if the path were understood differently
    with pytest.raises(Refused, match=f"went to {other}"):
        await client.add_note(ACCESS, erika, ["a"])


async def test_all_pages_of_notes_are_read(client: RecruiteeClient, small: SmallRecruitee, erika: int) -> None:
    for number in range(130):
        small.add_note(erika, [str(number)])
    assert {note.text for note in await client.notes(ACCESS, erika)} == {str(number) for number in range(130)}


# --- moves


@pytest.mark.parametrize("nested", [False, True])
async def test_a_placement_is_moved_whichever_form_is_understood(
    client: RecruiteeClient, small: SmallRecruitee, erika: int, nested: bool
) -> None:
    small.habits.moves_nested = nested
    placement = await client.change_stage(ACCESS, _placement_id(small, erika), INTERVIEW)
    assert placement.stage_id == small.stage_of(erika, OFFER) == INTERVIEW
    assert [(move.from_stage_id, move.to_stage_id, move.by) for move in small.moves] == [(CALL, INTERVIEW, "api")]
    assert small.times_asked(MOVE) == 1 + nested


async def test_a_move_into_a_foreign_stage_is_refused(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    with pytest.raises(Refused, match="422"):
        await client.change_stage(ACCESS, _placement_id(small, erika), 404)
    assert small.moves == []


async def test_a_move_that_the_answer_does_not_show_is_refused(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.habits.moves = False
    with pytest.raises(Refused, match="was not moved"):
        await client.change_stage(ACCESS, _placement_id(small, erika), INTERVIEW)


async def test_a_move_of_a_placement_that_is_not_there_is_gone(client: RecruiteeClient, small: SmallRecruitee) -> None:
    with pytest.raises(Gone):
        await client.change_stage(ACCESS, 404, INTERVIEW)
    assert small.times_asked(MOVE) == 1


# --- bad input

Call = Callable[[RecruiteeClient, SmallRecruitee, int], Awaitable[object]]
CALLS: dict[str, Call] = {
    "whoami": lambda client, small, person: client.whoami(ACCESS),
    "candidate": lambda client, small, person: client.candidate(ACCESS, person),
    "offer": lambda client, small, person: client.offer(ACCESS, OFFER),
    "placements_in_stage": lambda client, small, person: client.placements_in_stage(ACCESS, OFFER, CALL),
    "notes": lambda client, small, person: client.notes(ACCESS, person),
    "add_note": lambda client, small, person: client.add_note(ACCESS, person, ["a"]),
    "change_stage": lambda client, small, person: client.change_stage(ACCESS, _placement_id(small, person), INTERVIEW),
}
FAILURES: list[tuple[Failure, type[RecruiteeError]]] = [
    (401, Reconnect),
    (403, Reconnect),
    (404, Gone),
    (422, Refused),
    (429, Unavailable),
    (500, Unavailable),
    (503, Unavailable),
    (302, Unavailable),
    ("html", Unavailable),
    ("cut", Unavailable),
    ("close", Unavailable),
    ("other_shape", Unavailable),
    ("hang", Unavailable),
]


@pytest.mark.parametrize(("failure", "kind"), FAILURES)
@pytest.mark.parametrize("name", CALLS)
async def test_every_failure_says_what_to_do(
    *,
    session: aiohttp.ClientSession,
    small: SmallRecruitee,
    erika: int,
    name: str,
    failure: Failure,
    kind: type[RecruiteeError],
) -> None:
    client = RecruiteeClient(session, small.url, replace(PATIENCE, deadline_s=0.1))
    small.faults.fail_next("", failure, None)
    with pytest.raises(RecruiteeError) as caught:
        await CALLS[name](client, small, erika)
    assert type(caught.value) is kind
    assert caught.value.status == failure or not isinstance(failure, int)
    assert ACCESS.token not in f"{caught.value!r} {caught.value.__cause__!r}"
    if kind is not Unavailable:
        assert len(small.asked) <= 2


@pytest.mark.parametrize(("failure", "kind"), FAILURES)
@pytest.mark.parametrize("name", ["whoami", "candidate", "offer", "placements_in_stage", "notes"])
async def test_a_reading_is_tried_again_only_when_it_may_help(
    *,
    client: RecruiteeClient,
    small: SmallRecruitee,
    erika: int,
    name: str,
    failure: Failure,
    kind: type[RecruiteeError],
) -> None:
    small.faults.fail_next("", failure)
    if kind is Unavailable and failure != "hang":
        await CALLS[name](client, small, erika)
    else:
        with pytest.raises(kind):
            await CALLS[name](client, small, erika)
        assert len(small.asked) == 1


@pytest.mark.parametrize("failure", [429, 500, "html", "cut", "close", "other_shape", "hang"])
@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_note_is_sent_once_however_its_answer_fails(
    session: aiohttp.ClientSession, small: SmallRecruitee, erika: int, failure: Failure, after_effect: bool
) -> None:
    client = RecruiteeClient(session, small.url, replace(PATIENCE, deadline_s=0.1))
    await client.whoami(ACCESS)  # on a connection that was used before, a client is tempted to send again
    small.faults.fail_next("POST", failure, None, after_effect=after_effect)
    with pytest.raises(Unavailable):
        await client.add_note(ACCESS, erika, ["a"])
    assert small.times_asked(NOTES) == 1
    assert len(small.notes_of(erika)) == after_effect


@pytest.mark.parametrize("failure", [429, 500, "html", "cut", "close", "other_shape", "hang"])
@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_move_is_sent_once_however_its_answer_fails(
    session: aiohttp.ClientSession, small: SmallRecruitee, erika: int, failure: Failure, after_effect: bool
) -> None:
    client = RecruiteeClient(session, small.url, replace(PATIENCE, deadline_s=0.1))
    await client.whoami(ACCESS)
    small.faults.fail_next("PATCH", failure, None, after_effect=after_effect)
    with pytest.raises(Unavailable):
        await client.change_stage(ACCESS, _placement_id(small, erika), INTERVIEW)
    assert small.times_asked(MOVE) == 1
    assert len(small.moves) == after_effect


async def test_a_short_retry_after_is_waited_for(session: aiohttp.ClientSession, small: SmallRecruitee) -> None:
    client = RecruiteeClient(session, small.url, replace(PATIENCE, deadline_s=5.0))
    small.faults.fail_next("", 429, retry_after="1")
    begun = time.monotonic()
    await client.whoami(ACCESS)
    assert time.monotonic() - begun >= 1.0


async def test_a_long_retry_after_is_left_to_the_caller(client: RecruiteeClient, small: SmallRecruitee) -> None:
    small.faults.fail_next("", 429, retry_after="120")
    with pytest.raises(Unavailable) as caught:
        await client.whoami(ACCESS)
    assert (caught.value.retry_after_s, len(small.asked)) == (120.0, 1)


async def test_no_answer_is_waited_for_no_longer_than_said(client: RecruiteeClient, small: SmallRecruitee) -> None:
    small.faults.fail_next("", "hang")
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="no answer from Recruitee: TimeoutError"):
        await client.whoami(ACCESS)
    assert PATIENCE.deadline_s <= time.monotonic() - begun < 2.5


async def test_asking_again_comes_to_an_end(client: RecruiteeClient, small: SmallRecruitee) -> None:
    small.faults.fail_next("", 500, None)
    with pytest.raises(Unavailable):
        await client.whoami(ACCESS)
    assert len(small.asked) == PATIENCE.asks


async def test_too_large_an_answer_is_not_read(
    session: aiohttp.ClientSession, small: SmallRecruitee, erika: int
) -> None:
    small.add_note(erika, ["x" * 5000])
    client = RecruiteeClient(session, small.url, replace(PATIENCE, largest_answer=4000))
    with pytest.raises(Unavailable, match="too large"):
        await client.notes(ACCESS, erika)


async def test_nobody_at_the_address_is_unavailable(session: aiohttp.ClientSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and listening to nobody
        client = RecruiteeClient(session, f"http://127.0.0.1:{taken.getsockname()[1]}", PATIENCE)
        with pytest.raises(Unavailable, match="no answer from Recruitee: ClientConnectorError"):
            await client.whoami(ACCESS)


async def test_a_name_that_does_not_resolve_is_unavailable(session: aiohttp.ClientSession) -> None:
    with pytest.raises(Unavailable):
        await RecruiteeClient(session, "http://recruitee.invalid", PATIENCE).whoami(ACCESS)


async def test_an_answer_for_another_candidate_is_not_believed(
    client: RecruiteeClient, small: SmallRecruitee, erika: int
) -> None:
    small.companies[COMPANY].candidates[5] = small.candidate(erika)
    with pytest.raises(Unavailable, match=f"answered with {erika} where 5 was asked for"):
        await client.candidate(ACCESS, 5)


async def test_cancelling_passes_through_and_frees_the_turn(
    session: aiohttp.ClientSession, small: SmallRecruitee
) -> None:
    client = RecruiteeClient(session, small.url, replace(PATIENCE, deadline_s=30.0, at_once=1))
    small.faults.fail_next("", "hang")
    asking = asyncio.create_task(client.whoami(ACCESS))
    async with asyncio.timeout(5):
        await small.faults.hanging.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(5):
        assert (await client.whoami(ACCESS)).company_id == COMPANY


async def test_one_slow_company_does_not_hold_up_another(session: aiohttp.ClientSession, small: SmallRecruitee) -> None:
    small.add_company(777, "Other", "token-of-777")
    client = RecruiteeClient(session, small.url, replace(PATIENCE, deadline_s=30.0, at_once=1))
    small.faults.fail_next(f"/c/{COMPANY}/", "hang")
    asking = asyncio.create_task(client.whoami(ACCESS))
    async with asyncio.timeout(5):
        await small.faults.hanging.wait()
        await client.whoami(Access(777, "token-of-777"))
    asking.cancel()
