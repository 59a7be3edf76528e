"""The client against the small telephone network: what a dial came to, however its answer was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import aiohttp
import aiohttp.test_utils
import aiohttp.web
import pytest

from klara_daemon.demo.telephone.api import Fault
from klara_daemon.demo.telephone.people import Answers, Fails, NoAnswer, NotInService, Silent
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.telephony.provider import (
    Absent,
    CallStatus,
    Dial,
    Found,
    NotSent,
    Objection,
    Provider,
    Rejected,
    Uncertain,
    Unknown,
)
from klara_daemon.telephony.twilio.client import TwilioClient
from tests.eventually import eventually

TOKEN = "test-token"
ACCOUNT = "AC" + "1" * 32
KLARA = "+4952112345670"
JOERG = "+4915112345678"
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens: the callbacks of these calls are lost."""
NOTHING_TAKEN: frozenset[str] = frozenset()


@pytest.fixture
async def network() -> AsyncIterator[TelephoneNetwork]:
    async with TelephoneNetwork(account_sid=ACCOUNT, auth_token=TOKEN, pace=0.002, numbers={KLARA: NOBODY}) as network:
        network.person(JOERG, Silent())
        yield network


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def client_for(session: aiohttp.ClientSession, base_url: str, token: str = TOKEN) -> TwilioClient:
    return TwilioClient(
        session, account_sid=ACCOUNT, auth_token=token, base_url=base_url, public_url=NOBODY, timeout_s=0.5
    )


@pytest.fixture
def client(session: aiohttp.ClientSession, network: TelephoneNetwork) -> TwilioClient:
    return client_for(session, network.url)


@pytest.fixture
def dial() -> Dial:
    return Dial(attempt_id=str(uuid4()), to=JOERG, caller=KLARA)


async def ended(network: TelephoneNetwork) -> None:
    async with asyncio.timeout(5):
        await network.idle()


def now() -> datetime:
    return datetime.now(UTC)


def test_twilio_is_a_provider(client: TwilioClient) -> None:
    provider: Provider = client
    assert provider.name == "twilio"


async def test_a_dial_places_one_call(network: TelephoneNetwork, client: TwilioClient, dial: Dial) -> None:
    placed = await client.dial(dial)
    assert [call.sid for call in network.calls] == [placed.ref]
    assert (placed.status, placed.to, placed.caller) == (CallStatus.QUEUED, JOERG, KLARA)
    assert placed.created_at is not None
    assert network.dials == [dial.attempt_id]


@pytest.mark.parametrize("is_placed", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.ERROR_500,
        Fault.ERROR_503,
        Fault.HANGS,
        Fault.RESET,
        Fault.CUT_OFF,
        Fault.NOT_JSON,
        Fault.NO_SID,
        Fault.REDIRECT,
    ],
)
async def test_a_lost_answer_is_settled_by_asking_and_never_asked_twice(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial, fault: Fault, is_placed: bool
) -> None:
    network.dial_faults.append((fault, is_placed))
    since = now()
    with pytest.raises(Uncertain):
        await client.dial(dial)
    assert network.dials == [dial.attempt_id]
    lookup = await client.find(dial, since, NOTHING_TAKEN)
    if is_placed:
        assert isinstance(lookup, Found)
        assert lookup.call.ref == network.calls[0].sid
    else:
        assert lookup == Absent()
    assert network.dials == [dial.attempt_id]


async def test_too_many_requests_sends_nothing(network: TelephoneNetwork, client: TwilioClient, dial: Dial) -> None:
    network.dial_faults.append((Fault.TOO_MANY, False))
    with pytest.raises(NotSent) as not_sent:
        await client.dial(dial)
    assert not_sent.value.retry_after_s == 1
    assert network.dials == [dial.attempt_id]
    assert network.calls == []


async def test_no_connection_sends_nothing(session: aiohttp.ClientSession, dial: Dial) -> None:
    with pytest.raises(NotSent):
        await client_for(session, NOBODY).dial(dial)


@pytest.mark.parametrize("base_url", ["http://", "http://host.invalid"])
async def test_an_address_that_leads_nowhere_sends_nothing(
    session: aiohttp.ClientSession, dial: Dial, base_url: str
) -> None:
    with pytest.raises(NotSent):
        await client_for(session, base_url).dial(dial)


async def test_a_number_that_is_none_is_refused(network: TelephoneNetwork, client: TwilioClient, dial: Dial) -> None:
    network.person(JOERG, NotInService())
    with pytest.raises(Rejected) as refused:
        await client.dial(dial)
    assert (refused.value.code, refused.value.objection) == ("21211", Objection.NUMBER)


async def test_a_caller_id_that_is_not_ours_is_refused_for_another_reason(client: TwilioClient, dial: Dial) -> None:
    with pytest.raises(Rejected) as refused:
        await client.dial(replace(dial, caller="+4930111"))
    assert (refused.value.code, refused.value.objection) == ("21210", Objection.CALLER)


async def test_wrong_credentials_are_refused(
    session: aiohttp.ClientSession, network: TelephoneNetwork, dial: Dial
) -> None:
    wrong = client_for(session, network.url, token="wrong")
    with pytest.raises(Rejected) as refused:
        await wrong.dial(dial)
    assert (refused.value.code, refused.value.objection) == ("20003", Objection.ACCOUNT)
    assert network.calls == []
    assert isinstance(await wrong.find(dial, now(), NOTHING_TAKEN), Unknown)
    assert await wrong.check([KLARA]) == [
        "Twilio does not accept the account SID and the token (HTTP 401, code 20003)."
    ]


async def test_a_dial_that_is_given_up_is_not_repeated(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial
) -> None:
    network.dial_faults.append((Fault.HANGS, True))
    task = asyncio.create_task(client.dial(dial))
    await eventually(lambda: bool(network.dials))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert network.dials == [dial.attempt_id]


async def test_each_dial_has_a_connection_of_its_own(session: aiohttp.ClientSession, dial: Dial) -> None:
    connections = 0
    body = b'{"sid": "CA1", "status": "queued"}'
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%s" % (len(body), body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(65536)
        writer.write(answer)
        await writer.drain()
        await reader.read()  # a second request is never answered, as on a connection that has gone stale
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        client = client_for(session, f"http://{host}:{port}")
        await client.dial(dial)
        await client.dial(dial)
    assert connections == 2


# Asking afterwards


async def test_the_list_may_come_to_know_a_call_later(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial
) -> None:
    network.listed_after_s = 50
    network.dial_faults.append((Fault.RESET, True))
    since = now()
    with pytest.raises(Uncertain):
        await client.dial(dial)
    assert await client.find(dial, since, NOTHING_TAKEN) == Absent()
    async with asyncio.timeout(5):
        while (lookup := await client.find(dial, since, NOTHING_TAKEN)) == Absent():
            pass
    assert isinstance(lookup, Found)


async def test_calls_of_other_attempts_are_left_out(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial
) -> None:
    since = now()
    first = await client.dial(dial)
    assert await client.find(dial, since, frozenset({first.ref})) == Absent()
    await client.dial(replace(dial, attempt_id=str(uuid4())))
    assert isinstance(await client.find(dial, since, NOTHING_TAKEN), Unknown)
    assert isinstance(await client.find(dial, since, frozenset({first.ref})), Found)


async def test_calls_of_another_time_or_number_are_left_out(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial
) -> None:
    await client.dial(dial)
    assert await client.find(dial, now() + timedelta(minutes=1), NOTHING_TAKEN) == Absent()
    assert await client.find(dial, now() - timedelta(minutes=11), NOTHING_TAKEN) == Absent()
    assert await client.find(replace(dial, to="+4915199999999"), now(), NOTHING_TAKEN) == Absent()


async def test_all_pages_are_read(network: TelephoneNetwork, client: TwilioClient, dial: Dial) -> None:
    network.person(JOERG, Fails())
    since = now()
    refs = [(await client.dial(dial)).ref for _ in range(120)]
    lookup = await client.find(dial, since, frozenset(refs[1:]))
    assert isinstance(lookup, Found)
    assert lookup.call.ref == refs[0]


@pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.HANGS, Fault.RESET, Fault.CUT_OFF, Fault.NOT_JSON])
async def test_a_list_that_cannot_be_read_decides_nothing(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial, fault: Fault
) -> None:
    await client.dial(dial)
    network.question_faults.extend([fault, fault])  # aiohttp may ask a GET again on a broken connection
    assert isinstance(await client.find(dial, now(), NOTHING_TAKEN), Unknown)


async def test_the_next_page_on_another_host_is_not_asked(session: aiohttp.ClientSession, dial: Dial) -> None:
    asked = []

    async def pages(request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        asked.append(request.host)
        return aiohttp.web.json_response({"calls": [], "next_page_uri": "http://evil.invalid/Calls.json"})

    async with aiohttp.test_utils.RawTestServer(pages) as server:
        lookup = await client_for(session, str(server.make_url("/"))).find(dial, now(), NOTHING_TAKEN)
    assert lookup == Unknown("the next page of calls is on another host")
    assert len(asked) == 1


async def test_an_endless_list_comes_to_an_end(session: aiohttp.ClientSession, dial: Dial) -> None:
    async def pages(request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        return aiohttp.web.json_response({"calls": [], "next_page_uri": request.path_qs})

    async with aiohttp.test_utils.RawTestServer(pages) as server:
        lookup = await client_for(session, str(server.make_url("/"))).find(dial, now(), NOTHING_TAKEN)
    assert isinstance(lookup, Unknown)


async def test_an_answer_without_end_is_not_swallowed_whole(session: aiohttp.ClientSession, dial: Dial) -> None:
    async def flood(_: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        return aiohttp.web.Response(status=201, body=b'{"sid": "CA1", "status": "queued"}' + b" " * (2 << 20))

    async with aiohttp.test_utils.RawTestServer(flood) as server:
        with pytest.raises(Uncertain):
            await client_for(session, str(server.make_url("/"))).dial(dial)


async def test_how_a_call_stands_is_fetched(network: TelephoneNetwork, client: TwilioClient, dial: Dial) -> None:
    network.person(JOERG, NoAnswer())
    placed = await client.dial(dial)
    await ended(network)
    fetched = await client.fetch(placed.ref)
    assert fetched is not None
    assert fetched.status is CallStatus.NO_ANSWER
    assert await client.fetch("CA" + "0" * 32) is None


@pytest.mark.parametrize("fault", [Fault.ERROR_503, Fault.HANGS, Fault.CUT_OFF, Fault.NO_SID])
async def test_a_question_without_an_answer_says_so(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial, fault: Fault
) -> None:
    placed = await client.dial(dial)
    network.question_faults.extend([fault, fault])
    with pytest.raises(Uncertain):
        await client.fetch(placed.ref)


# Ending a call


async def test_a_queued_call_is_ended_without_a_ring(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial
) -> None:
    network.queued_s = 1000
    placed = await client.dial(dial)
    await client.cancel(placed.ref)
    await ended(network)
    assert network.calls[0].status is CallStatus.CANCELED


async def test_a_ringing_call_is_hung_up(network: TelephoneNetwork, client: TwilioClient, dial: Dial) -> None:
    network.person(JOERG, Answers([], rings_s=1000))
    placed = await client.dial(dial)
    await eventually(lambda: network.calls[0].status is CallStatus.RINGING)
    await client.hangup(placed.ref)
    await ended(network)
    assert network.calls[0].status is CallStatus.CANCELED


async def test_a_call_in_progress_is_hung_up_but_not_cancelled(network: TelephoneNetwork, client: TwilioClient) -> None:
    async def wait_for_ever(_: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        document = '<Response><Pause length="60000"/></Response>'
        return aiohttp.web.Response(text=document)

    async with aiohttp.test_utils.RawTestServer(wait_for_ever) as server:
        address = str(server.make_url("/"))
        call = network.place([("To", JOERG), ("From", KLARA), ("Url", address)])
        await eventually(lambda: call.status is CallStatus.IN_PROGRESS)
        await client.cancel(call.sid)
        for _ in range(5):
            fetched = await client.fetch(call.sid)
            assert fetched is not None
            assert fetched.status is CallStatus.IN_PROGRESS
        await client.hangup(call.sid)
        await ended(network)
    assert (call.status, call.ended_by) == (CallStatus.COMPLETED, "klara")


async def test_hanging_up_what_has_ended_is_harmless(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial
) -> None:
    network.person(JOERG, Fails())
    placed = await client.dial(dial)
    await ended(network)
    await client.hangup(placed.ref)
    await client.cancel(placed.ref)
    assert network.calls[0].status is CallStatus.FAILED


@pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.NOT_FOUND])
async def test_hanging_up_without_an_answer_that_tells_says_so(
    network: TelephoneNetwork, client: TwilioClient, dial: Dial, fault: Fault
) -> None:
    placed = await client.dial(dial)
    network.question_faults.extend([fault] * 2)
    for end in (client.hangup, client.cancel):
        with pytest.raises(Uncertain):
            await end(placed.ref)


async def test_the_check_names_numbers_that_may_not_be_shown(client: TwilioClient) -> None:
    assert await client.check([KLARA]) == []
    assert await client.check([KLARA, "+4930111"]) == [
        "+4930111 is neither a number of this Twilio account nor a verified caller id."
    ]
