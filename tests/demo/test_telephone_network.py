"""The small telephone network, driven by the real client, the real relay loop and real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import aiohttp
import pytest

from klara_daemon.demo.telephone.people import Answers
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.telephony.provider import CallStatus, Dial
from klara_daemon.telephony.twilio.client import TwilioClient
from tests.telephony.house import ACCOUNT, KLARA, TOKEN, House, answer_of

JOERG = "+4915112345678"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House() as house:
        yield house


@pytest.fixture
async def network(house: House) -> AsyncIterator[TelephoneNetwork]:
    async with TelephoneNetwork(account_sid=ACCOUNT, auth_token=TOKEN, pace=0.002) as network:
        yield network


@pytest.fixture
async def client(house: House, network: TelephoneNetwork) -> AsyncIterator[TwilioClient]:
    async with aiohttp.ClientSession() as session:
        yield TwilioClient(
            session, account_sid=ACCOUNT, auth_token=TOKEN, base_url=network.url, public_url=house.url, timeout_s=2
        )


def dial(to: str = JOERG) -> Dial:
    return Dial(attempt_id=str(uuid4()), to=to, caller=KLARA)


async def test_a_whole_interview_is_spoken_and_told(
    house: House, network: TelephoneNetwork, client: TwilioClient
) -> None:
    network.person(JOERG, Answers(["Ja, am Apparat.", "Sieben Jahre.", "Ab Mai."]))
    wanted = dial()
    placed = await client.dial(wanted)
    async with asyncio.timeout(5):
        await network.idle()
    [call] = network.calls
    assert placed.ref == call.sid
    assert call.status is CallStatus.COMPLETED
    assert call.attempt_id == wanted.attempt_id
    assert [answer_of(a) for a in house.conversations[wanted.attempt_id].answers] == call.said("person")
    assert call.said("klara")[-1] == "Vielen Dank."
    assert [e.status for e in house.statuses] == ["initiated", "ringing", "in-progress", "completed"]
    assert [e.sequence for e in house.statuses] == [0, 1, 2, 3]
    assert house.forged == []
    assert network.problems == []
