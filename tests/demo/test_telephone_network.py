"""The small telephone network, driven by the real client, the real relay loop and real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import aiohttp
import aiohttp.test_utils
import aiohttp.web
import pytest
from twilio.request_validator import RequestValidator

from klara_daemon.demo.telephone.api import Fault
from klara_daemon.demo.telephone.people import (
    Answers,
    Behaviour,
    Busy,
    Fails,
    HangsUpAfter,
    NoAnswer,
    NotInService,
    Press,
    Silent,
    Voicemail,
)
from klara_daemon.demo.telephone.records import CallRecord
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.domain.dialogue.turns import Key
from klara_daemon.telephony.provider import CallStatus, Dial
from klara_daemon.telephony.relay import Leaving
from klara_daemon.telephony.twilio import addresses
from klara_daemon.telephony.twilio.client import TwilioClient
from tests.eventually import eventually
from tests.telephony.house import ACCOUNT, FAST, GREETING, KLARA, TOKEN, House, answer_of

JOERG = "+4915112345678"
AISHA = "+4915187654321"
THREE_ANSWERS = ["Ja, am Apparat.", "Sieben Jahre.", "Ab Mai."]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House() as house:
        yield house


@pytest.fixture
async def network(house: House) -> AsyncIterator[TelephoneNetwork]:
    numbers = {KLARA: house.url + addresses.INBOUND_PATH}
    async with TelephoneNetwork(account_sid=ACCOUNT, auth_token=TOKEN, pace=0.002, numbers=numbers) as network:
        yield network


@pytest.fixture
async def client(house: House, network: TelephoneNetwork) -> AsyncIterator[TwilioClient]:
    async with aiohttp.ClientSession() as session:
        yield TwilioClient(
            session, account_sid=ACCOUNT, auth_token=TOKEN, base_url=network.url, public_url=house.url, timeout_s=2
        )


def dial(to: str = JOERG) -> Dial:
    return Dial(attempt_id=str(uuid4()), to=to, caller=KLARA)


async def ended(network: TelephoneNetwork) -> CallRecord:
    async with asyncio.timeout(10):
        await network.idle()
    return network.calls[-1]


async def test_a_whole_interview_is_spoken_and_told(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Answers(THREE_ANSWERS))
    wanted = dial()
    placed = await client.dial(wanted)
    call = await ended(network)
    assert placed.ref == call.sid
    assert call.status is CallStatus.COMPLETED
    assert (call.attempt_id, call.ended_by, call.handoff) == (
        wanted.attempt_id,
        "klara",
        '{"reason": "ended", "disposition": "interviewed"}',
    )
    assert [answer_of(a) for a in house.conversations[wanted.attempt_id].answers] == THREE_ANSWERS
    assert call.said("person") == THREE_ANSWERS
    assert call.said("klara") == [GREETING, "Eins?", "Zwei?", "Vielen Dank."]
    assert [e.status for e in house.statuses] == ["initiated", "ringing", "in-progress", "completed"]
    assert [e.sequence for e in house.statuses] == [0, 1, 2, 3]
    assert {e.attempt_id for e in house.statuses} == {wanted.attempt_id}
    assert house.leavings == [Leaving.ENDED]
    assert (house.forged, network.problems, network.overlaps) == ([], [], [])


@pytest.mark.parametrize(
    ("behaviour", "status", "sip_code", "told"),
    [
        (NoAnswer(), "no-answer", 487, ["initiated", "ringing", "no-answer"]),
        (NoAnswer(sip_code=603), "no-answer", 603, ["initiated", "ringing", "no-answer"]),
        (Busy(), "busy", 486, ["initiated", "busy"]),
        (NotInService(refused_at_once=False), "failed", 404, ["initiated", "failed"]),
        (Fails(), "failed", 503, ["initiated", "failed"]),
    ],
)
async def test_calls_that_nobody_answers_end_as_they_do_at_twilio(
    house: House, network: TelephoneNetwork, client: TwilioClient, behaviour: Behaviour, status: str, sip_code: int,
    told: list[str],
) -> None:  # fmt: skip
    network.person(JOERG, behaviour)
    await client.dial(dial())
    call = await ended(network)
    assert (call.status, call.sip_code, call.transcript) == (status, sip_code, [])
    assert [e.status for e in house.statuses] == told
    assert house.statuses[-1].sip_code == sip_code


async def test_people_take_one_call_after_another_as_told(network: TelephoneNetwork, client: TwilioClient) -> None:
    network.person(JOERG, NoAnswer(), Busy())
    for _ in range(3):
        await client.dial(dial())
        await ended(network)
    assert [call.status for call in network.calls_to(JOERG)] == ["no-answer", "busy", "busy"]


async def test_somebody_who_hangs_up_half_way_leaves_what_was_answered(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, HangsUpAfter(2, THREE_ANSWERS))
    wanted = dial()
    await client.dial(wanted)
    call = await ended(network)
    assert (call.status, call.ended_by) == (CallStatus.COMPLETED, "person")
    assert len(house.conversations[wanted.attempt_id].answers) == 2
    assert (house.leavings, [r.session_status for r in house.relays]) == ([Leaving.CLOSED], ["completed"])
    assert not house.relays[0].broke_off


async def test_replies_can_follow_what_was_heard_and_be_keys(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Answers(lambda heard: Press("1") if "Klara" in heard else "Genau."))
    wanted = dial()
    await client.dial(wanted)
    call = await ended(network)
    assert call.said("person") == ["[1]", "Genau.", "Genau."]
    assert house.conversations[wanted.attempt_id].answers[0] == Key("1")


async def test_silence_ends_the_call(house: House, network: TelephoneNetwork, client: TwilioClient) -> None:
    network.person(JOERG, Silent())
    house.timing = FAST.with_fast_voice(silence_s=0.05)
    await client.dial(dial())
    call = await ended(network)
    assert (call.status, call.ended_by, call.said("person")) == (CallStatus.COMPLETED, "klara", [])


async def test_a_mailbox_is_reported_and_can_be_hung_up_on(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Voicemail(greeting=""))
    placed = await client.dial(dial())
    await eventually(lambda: bool(house.machines))
    assert (house.machines[0].answered_by, house.machines[0].is_machine) == ("machine_start", True)
    await client.hangup(placed.ref)
    call = await ended(network)
    assert (call.status, call.ended_by, call.answered_by) == (CallStatus.COMPLETED, "klara", "machine_start")


async def test_a_person_is_reported_as_one(house: House, network: TelephoneNetwork, client: TwilioClient) -> None:
    network.person(JOERG, Answers(lambda _: "Ja, das ist eine längere Antwort, die ihre Zeit braucht."))
    await client.dial(dial())
    await ended(network)
    assert [m.is_machine for m in house.machines] == [False]


async def test_a_dropped_socket_is_taken_up_again_at_the_open_question(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Answers(THREE_ANSWERS))
    network.drop_sockets_after.extend([1, 1])
    wanted = dial()
    await client.dial(wanted)
    call = await ended(network)
    assert [(r.session_status, r.error_code, r.resumed) for r in house.relays] == [
        ("failed", "64105", 0),
        ("failed", "64105", 1),
        ("ended", None, 2),
    ]
    assert [answer_of(a) for a in house.conversations[wanted.attempt_id].answers] == THREE_ANSWERS
    assert call.said("klara") == [GREETING, "Eins?", "Eins?", "Eins?", "Zwei?", "Vielen Dank."]
    assert [s.greeted for s in house.conversations[wanted.attempt_id].setups] == [True, False, False]


async def test_a_process_that_shuts_down_hands_the_call_over(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    def reply(heard: str) -> str:
        if heard == "Eins?" and not house.leavings:
            old, house.closing = house.closing, asyncio.Event()
            old.set()
        return f"Antwort auf {heard}"

    network.person(JOERG, Answers(reply))
    wanted = dial()
    await client.dial(wanted)
    call = await ended(network)
    assert house.leavings == [Leaving.DRAINED, Leaving.ENDED]
    answers = [f"Antwort auf {question}" for question in (GREETING, "Eins?", "Zwei?")]
    assert [answer_of(a) for a in house.conversations[wanted.attempt_id].answers] == answers
    assert call.said("klara") == [GREETING, "Eins?", "Eins?", "Zwei?", "Vielen Dank."]


async def test_the_fallback_is_asked_when_the_answer_address_fails(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Answers(THREE_ANSWERS))
    house.answer_status = 503
    await client.dial(dial())
    call = await ended(network)
    assert [a.error_code for a in house.answers][-1] == "11200"
    assert call.said("klara") == ["Wir melden uns."]


async def test_whoever_rings_klaras_number_hears_a_sentence(house: House, network: TelephoneNetwork) -> None:
    async with asyncio.timeout(5):
        call = await network.ring(JOERG, KLARA, Answers([]))
    assert (call.direction, call.status, call.said("klara")) == ("inbound", CallStatus.COMPLETED, ["Hier ist Klara."])
    assert house.statuses == []


# Callbacks that go wrong


async def test_lost_callbacks_are_not_told(house: House, network: TelephoneNetwork, client: TwilioClient) -> None:
    network.callback_faults.lost = frozenset({"ringing", "completed"})
    network.person(JOERG, Answers(THREE_ANSWERS))
    placed = await client.dial(dial())
    await ended(network)
    assert [e.status for e in house.statuses] == ["initiated", "in-progress"]
    fetched = await client.fetch(placed.ref)
    assert fetched is not None
    assert fetched.status is CallStatus.COMPLETED


async def test_doubled_callbacks_have_one_key_each(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.callback_faults.doubled = True
    await client.dial(dial())
    await ended(network)
    assert len(house.statuses) == 6
    assert len({e.dedup_key for e in house.statuses}) == 3


async def test_reordered_callbacks_carry_their_true_order(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.callback_faults.reversed_order = True
    await client.dial(dial())
    await ended(network)
    assert [e.status for e in house.statuses] == ["ringing", "initiated", "no-answer"]
    assert [e.sequence for e in house.statuses] == [1, 0, 2]


async def test_an_answer_may_come_after_the_whole_call(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Answers(THREE_ANSWERS))
    network.dial_faults.append((Fault.LATE, True))
    placed = await client.dial(dial())
    assert placed.status is CallStatus.QUEUED
    assert (house.statuses[-1].ref, house.statuses[-1].status) == (placed.ref, CallStatus.COMPLETED)


async def test_a_call_cancelled_in_its_queue_is_told_to_nobody(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.queued_s = 1000
    placed = await client.dial(dial())
    await client.cancel(placed.ref)
    call = await ended(network)
    assert (call.status, house.statuses) == (CallStatus.CANCELED, [])


# The oracle


async def test_two_live_calls_to_one_number_are_noticed(network: TelephoneNetwork, client: TwilioClient) -> None:
    network.person(JOERG, NoAnswer())
    await client.dial(dial(JOERG))
    await client.dial(dial(AISHA))
    assert network.overlaps == []
    await client.dial(dial(JOERG))
    assert [(a.to, b.to) for a, b in network.overlaps] == [(JOERG, JOERG)]
    await ended(network)
    await client.dial(dial(JOERG))
    assert len(network.overlaps) == 1


async def test_frames_that_twilio_would_not_accept_are_noticed(network: TelephoneNetwork) -> None:
    async def talk_nonsense(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        socket = aiohttp.web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str('{"type": "text", "token": "Hallo", "last": "yes"}')
        assert (await socket.receive_json())["type"] == "error"
        for _ in range(9):
            await socket.send_str("nonsense")
        async for _ in socket:
            pass
        codes.append(socket.close_code)
        return socket

    codes: list[int | None] = []
    app = aiohttp.web.Application()
    app.router.add_get("/", talk_nonsense)
    async with aiohttp.test_utils.TestServer(app) as server:
        url = str(server.make_url("/")).replace("http", "ws")
        relay = f'<Response><Connect><ConversationRelay url="{url}"/></Connect></Response>'

        async def document(_: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
            return aiohttp.web.Response(text=relay)

        async with aiohttp.test_utils.RawTestServer(document) as answers:
            network.person(JOERG, Silent())
            network.place([("To", JOERG), ("From", KLARA), ("Url", str(answers.make_url("/")))])
            await ended(network)
    assert codes == [1007]
    assert len(network.problems) == 10


@pytest.mark.parametrize("document", ["", "Hallo", "<Response><Dial>+49</Dial></Response>", "<Response>"])
async def test_documents_that_cannot_be_followed_are_noticed_and_end_the_call(
    network: TelephoneNetwork, document: str
) -> None:
    async def answer(_: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        return aiohttp.web.Response(text=document)

    async with aiohttp.test_utils.RawTestServer(answer) as answers:
        network.person(JOERG, Silent())
        network.place([("To", JOERG), ("From", KLARA), ("Url", str(answers.make_url("/")))])
        call = await ended(network)
    assert call.status is CallStatus.COMPLETED
    assert len(network.problems) == 1


async def test_requests_are_signed_as_the_official_package_wants_it(network: TelephoneNetwork) -> None:
    valid: list[bool] = []

    async def check(request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        form = await request.post()
        header = request.headers[addresses.SIGNATURE_HEADER]
        valid.append(RequestValidator(TOKEN).validate(str(request.url), form, header))
        return aiohttp.web.Response(text="<Response><Hangup/></Response>")

    async with aiohttp.test_utils.RawTestServer(check) as server:
        url = str(server.make_url("/x"))
        network.person(JOERG, Silent())
        network.place([("To", JOERG), ("From", KLARA), ("Url", url), ("StatusCallback", url + "?a=1#rc=5&rp=all")])
        await ended(network)
    assert valid == [True, True]


async def test_a_callback_is_repeated_as_its_address_wishes(network: TelephoneNetwork) -> None:
    asked: list[str] = []

    async def fail(request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        asked.append(request.path)
        return aiohttp.web.Response(status=503)

    async with aiohttp.test_utils.RawTestServer(fail) as server:
        url = str(server.make_url("/"))
        options = [("Url", url + "answer"), ("StatusCallback", url + "status#rc=2&rp=all")]
        network.person(JOERG, Silent())
        network.place([("To", JOERG), ("From", KLARA), *options])
        await ended(network)
    assert asked == ["/answer", "/status", "/status", "/status"]


async def test_the_page_shows_the_calls_and_nothing_of_it_is_a_tag(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    async with aiohttp.ClientSession() as browser, browser.get(network.url) as page:
        assert "Nobody has been called yet." in await page.text()
    network.person(JOERG, Answers(["<script>alert(1)</script>"]), name="Jörg <b>")
    house.timing = FAST.with_fast_voice(silence_s=0.05)
    await client.dial(dial())
    await ended(network)
    async with aiohttp.ClientSession() as browser, browser.get(network.url) as page:
        html = await page.text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "Jörg &lt;b&gt;" in html
    assert "http" not in html.replace("http-equiv", "")
