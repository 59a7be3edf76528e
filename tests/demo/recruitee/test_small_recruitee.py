"""The small Recruitee keeps its promises: webhooks and refusals as the vendor's, and a page to look at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web

from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.recruitee.protocol import SIGNATURE_HEADER, TestPing, WebhookEvent, is_signed, parse_webhook

COMPANY, OFFER = 89564, 1181300
APPLIED, CALL, HIRED = 8063175, 8063176, 8063179
STAGES = [(APPLIED, "Applied", "apply"), (CALL, "Call", "phone_screen"), (HIRED, "Hired", "hire")]
SECRET = "the company's secret"


@dataclass
class Receiver:
    """Whoever gets the webhooks: answers with the next status, 200 when there is none left."""

    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def events(self) -> list[WebhookEvent]:
        return [event for event in map(parse_webhook, self.bodies) if isinstance(event, WebhookEvent)]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def small(receiver: Receiver) -> AsyncIterator[SmallRecruitee]:
    app = web.Application()
    app.add_routes([web.post("/hook", receiver.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    recruitee = SmallRecruitee(lambda: datetime(2026, 10, 20, 9, 12, 33, 46300, tzinfo=UTC))
    recruitee.webhooks.waits_s = (0.0, 0.0)
    recruitee.add_company(
        COMPANY, "Example GmbH", "token", f"http://127.0.0.1:{runner.addresses[0][1]}/hook", webhook_secret=SECRET
    )
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft (m/w/d)", STAGES)
    await recruitee.start()
    yield recruitee
    await recruitee.stop()
    await runner.cleanup()


@pytest.fixture
def erika(small: SmallRecruitee) -> int:
    return small.add_candidate(COMPANY, "Erika Müster", ["+49 151 1234567"], OFFER, APPLIED)


# --- webhooks


async def test_a_move_is_told_as_the_vendor_tells_it(small: SmallRecruitee, receiver: Receiver, erika: int) -> None:
    await small.move(COMPANY, erika, OFFER, CALL)
    (event,) = receiver.events()
    assert event == WebhookEvent(
        webhook_id=event.webhook_id,
        event_type="candidate_moved",
        event_subtype="stage_changed",
        created_at=datetime(2026, 10, 20, 9, 12, 33, 46300, tzinfo=UTC),
        company_id=COMPANY,
        candidate_id=erika,
        offer_id=OFFER,
        to_stage_id=CALL,
    )
    assert receiver.headers[0]["User-Agent"] == "Recruitee-Webhooks"
    assert is_signed(SECRET, receiver.bodies[0], receiver.headers[0][SIGNATURE_HEADER])
    assert b"placement" not in receiver.bodies[0]


async def test_only_200_ends_the_tries_and_each_try_is_signed_anew(
    small: SmallRecruitee, receiver: Receiver, erika: int
) -> None:
    receiver.statuses = [500, 204]
    await small.move(COMPANY, erika, OFFER, CALL)
    assert [json.loads(body)["attempt_count"] for body in receiver.bodies] == [1, 2, 3]
    assert len({event.webhook_id for event in receiver.events()}) == 1
    signatures = [headers[SIGNATURE_HEADER] for headers in receiver.headers]
    assert all(is_signed(SECRET, body, signed) for body, signed in zip(receiver.bodies, signatures, strict=True))
    assert [delivery.status for delivery in small.webhooks.deliveries] == [500, 204, 200]


async def test_a_webhook_is_given_up_in_the_end(small: SmallRecruitee, receiver: Receiver, erika: int) -> None:
    receiver.statuses = [500] * 9
    await small.move(COMPANY, erika, OFFER, CALL)
    assert len(receiver.bodies) == 3


async def test_nobody_at_the_address_stops_no_recruiter(small: SmallRecruitee, erika: int) -> None:
    small.set_webhook(COMPANY, "http://127.0.0.1:1/hook", SECRET)
    await small.move(COMPANY, erika, OFFER, CALL)
    assert small.stage_of(erika, OFFER) == CALL
    assert {delivery.status for delivery in small.webhooks.deliveries} == {None}


async def test_webhooks_get_lost_doubled_late_and_out_of_order(
    small: SmallRecruitee, receiver: Receiver, erika: int
) -> None:
    for fate in ("lost", "doubled", "held", "held"):
        small.webhooks.meets(fate)
    for stage_id in (CALL, APPLIED, CALL, APPLIED, CALL):
        await small.move(COMPANY, erika, OFFER, stage_id)
    await small.webhooks.release(backwards=True)
    doubled, again, last, fourth, third = receiver.events()
    assert doubled == again
    assert [event.to_stage_id for event in (doubled, third, fourth, last)] == [APPLIED, CALL, APPLIED, CALL]
    assert int(third.webhook_id) < int(fourth.webhook_id) < int(last.webhook_id)


async def test_a_company_without_a_secret_or_address_signs_or_sends_nothing(
    small: SmallRecruitee, receiver: Receiver, erika: int
) -> None:
    small.set_webhook(COMPANY, small.companies[COMPANY].webhook_url, None)
    await small.move(COMPANY, erika, OFFER, CALL)
    assert SIGNATURE_HEADER not in receiver.headers[0]
    small.set_webhook(COMPANY, None, SECRET)
    await small.move(COMPANY, erika, OFFER, APPLIED)
    assert len(receiver.bodies) == 1


async def test_a_ping_is_a_test(small: SmallRecruitee, receiver: Receiver) -> None:
    assert await small.ping(COMPANY) == 200
    assert parse_webhook(receiver.bodies[0]) == TestPing()


async def test_a_rejection_and_a_hire_are_told(small: SmallRecruitee, receiver: Receiver, erika: int) -> None:
    await small.disqualify(COMPANY, erika, OFFER)
    await small.requalify(COMPANY, erika, OFFER)
    await small.hire(COMPANY, erika, OFFER)
    told = [(event.event_subtype, event.to_stage_id) for event in receiver.events()]
    assert told == [("disqualified", None), ("requalified", None), ("stage_changed", HIRED)]
    assert small.candidate(erika).placement(OFFER).hired_at is not None


async def test_a_move_through_the_api_is_told_too(small: SmallRecruitee, receiver: Receiver, erika: int) -> None:
    await small.disqualify(COMPANY, erika, OFFER)
    placement = small.candidate(erika).placement(OFFER)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:
        url = f"{small.url}/c/{COMPANY}/placements/{placement.id}/change_stage"
        async with session.patch(url, json={"stage_id": CALL}) as response:
            assert response.status == 200
    await small.settled()
    assert [event.event_subtype for event in receiver.events()] == ["disqualified", "stage_changed"]
    (move,) = small.moves
    assert (move.by, move.revived) == ("api", True)


# --- the API


@pytest.mark.parametrize(
    ("authorization", "company", "status", "body"),
    [
        (None, COMPANY, 401, {"error": "Resource access requires authentication!", "error_code": None}),
        ("Basic token", COMPANY, 401, {"error": "Resource access requires authentication!", "error_code": None}),
        ("Bearer wrong", COMPANY, 401, {"error": "Token not found.", "error_code": "invalid_token"}),
        ("Bearer token", 777, 403, {"error": ["Forbidden"]}),
    ],
)
async def test_whom_it_does_not_know_it_refuses_as_recorded(
    small: SmallRecruitee, authorization: str | None, company: int, status: int, body: object
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{small.url}/c/{company}/admin") as answer,
    ):
        assert (answer.status, await answer.json()) == (status, body)
        assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_a_filter_that_it_does_not_know_lists_everybody(small: SmallRecruitee, erika: int) -> None:
    other = small.add_candidate(COMPANY, "Another", [], OFFER, CALL)
    headers, url = {"Authorization": "Bearer token"}, f"{small.url}/c/{COMPANY}/candidates?stage_id={CALL}"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        listed = (await answer.json())["candidates"]
    assert {person["id"] for person in listed} == {erika, other}
    assert "disqualify_kind" not in listed[0]["placements"][0]
    assert listed[0]["created_at"] == "2026-10-20T09:12:33.046300Z"


# --- the page


async def test_the_page_shows_who_stands_where_and_executes_nothing(small: SmallRecruitee, erika: int) -> None:
    small.add_candidate(COMPANY, "<script>alert(1)</script>", [], OFFER, CALL)
    small.add_candidate(COMPANY, "שלום & Söhne", ['"><img src=x>'], OFFER, CALL)
    small.add_note(erika, ["Klara <b>Telefoninterview</b>", "", "Klara-Ref: 1"])
    async with aiohttp.ClientSession() as session, session.get(f"{small.url}/") as answer:
        page, headers = await answer.text(), answer.headers
    for shown in (
        "Erika Müster",
        "Pflegefachkraft (m/w/d)",
        "&lt;script&gt;alert(1)",
        "שלום &amp; Söhne",
        "Klara-Ref: 1",
    ):
        assert shown in page
    for hidden in ("<script", "<img", "<b>Tele", "token", SECRET):
        assert hidden not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_the_page_of_an_empty_recruitee_tells_the_time_of_its_place() -> None:
    recruitee = SmallRecruitee(lambda: datetime(2026, 10, 24, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    await recruitee.start()
    async with aiohttp.ClientSession() as session, session.get(f"{recruitee.url}/") as answer:
        assert "Sunday 25 October 2026, 01:30 CEST" in await answer.text()
    await recruitee.stop()
