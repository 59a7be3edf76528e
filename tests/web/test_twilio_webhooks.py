"""Twilio's callbacks: unsigned ones are refused, and one attempt has one live call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer

from klara_daemon.store import calls, outreaches, stays
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.twilio.addresses import SIGNATURE_HEADER, signature, socket_address
from klara_daemon.web.recruitee_webhooks import RecruiteeWebhooks
from klara_daemon.web.server import web_app
from klara_daemon.web.twilio_webhooks import TwilioWebhooks
from tests.actors.scene import AUTH_TOKEN, CALL, NUMBER, PUBLIC_URL, Scene, scene

SID, OTHER_SID = "CA" + "1" * 32, "CA" + "2" * 32
POSTED = ("answer", "fallback", "status", "machine", "relay-ended", "inbound")
Web = TestClient[Any, Any]


@pytest.fixture
async def watching(database_url: str) -> AsyncIterator[Scene]:
    """A company whose stage is watched."""
    async with scene(database_url) as built:
        await built.configure()
        await built.have_watched()
        yield built


@pytest.fixture
async def web(watching: Scene) -> AsyncIterator[Web]:
    """The web role's server."""
    timing = Timing().with_fast_voice(silence_s=5)
    twilio = TwilioWebhooks(
        watching.database, auth_token=AUTH_TOKEN, public_url=PUBLIC_URL, timing=timing, closing=asyncio.Event()
    )
    app = web_app(RecruiteeWebhooks(watching.database, watching.vault), twilio)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def ringing(watching: Scene) -> UUID:
    """A call that was placed and rings."""
    candidate_id = watching.candidate(stage=CALL)
    async with watching.database.transaction() as tx:
        person = watching.recruitee.candidate(candidate_id)
        await stays.keep_candidate(tx.conn, person.company_id, candidate_id, person.name, person.phones)
        placement = person.placements[0]
        rows = await tx.conn.fetch("SELECT offer_id, stage_id FROM watched_stages LIMIT 1")
        stay_id = uuid4()
        await tx.conn.execute(
            "INSERT INTO stays (id, company_id, candidate_id, placement_id, offer_id, stage_id, entered_at,"
            " already_there) VALUES ($1, $2, $3, $4, $5, $6, $7, false)",
            stay_id,
            person.company_id,
            candidate_id,
            placement.id,
            rows[0]["offer_id"],
            rows[0]["stage_id"],
            tx.now,
        )
        (stay,) = await stays.stays(tx.conn, [stay_id])
        outreach = await outreaches.open_for(tx.conn, stay, "interview", tx.now)
        assert outreach is not None
        attempt_id = uuid4()
        await calls.claim(
            tx.conn, attempt_id, outreach.id, e164=NUMBER, caller="+4952112345670", provider="twilio", now=tx.now
        )
        await calls.begin_placing(tx.conn, attempt_id, tx.now)
    return attempt_id


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize("header", [None, "", "bm9uc2Vuc2U=", "\u00fc"])
async def test_what_is_not_signed_by_twilio_gets_403(web: Web, ringing: UUID, path: str, header: str | None) -> None:
    headers = {} if header is None else {SIGNATURE_HEADER: header}
    target = f"/telephony/twilio/{path}?attempt={ringing}"
    async with web.post(target, data={"CallSid": SID, "CallStatus": "completed"}, headers=headers) as answer:
        assert answer.status == 403


async def test_a_signature_over_another_host_does_not_count(web: Web, ringing: UUID) -> None:
    """`Host` is what the sender likes it to be: the configured address is what was signed."""
    path = f"/telephony/twilio/status?attempt={ringing}"
    form = {"CallSid": SID, "CallStatus": "completed"}
    header = signature(AUTH_TOKEN, f"https://evil.example{path}", form.items())
    async with web.post(path, data=form, headers={SIGNATURE_HEADER: header, "Host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_a_handshake_that_is_not_signed_gets_403(web: Web, ringing: UUID) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await web.ws_connect(f"/telephony/twilio/relay?attempt={ringing}")
    assert refused.value.status == 403


async def test_the_first_leg_is_connected_and_a_second_one_hung_up(web: Web, watching: Scene, ringing: UUID) -> None:
    first = await _ask(web, "answer", ringing, CallSid=SID, CallStatus="in-progress")
    assert "<ConversationRelay" in first
    assert "automatisch" in first or "Assisten" in first
    assert "Pflegefachkraft" not in first, "the job is named to nobody who has not confirmed"
    second = await _ask(web, "answer", ringing, CallSid=OTHER_SID, CallStatus="in-progress")
    assert "<Hangup" in second
    assert "<ConversationRelay" not in second
    assert (await watching.attempt(ringing)).provider_ref == SID


async def test_twilio_asking_again_about_the_same_call_is_connected_again(web: Web, ringing: UUID) -> None:
    for _ in range(2):
        assert "<ConversationRelay" in await _ask(web, "answer", ringing, CallSid=SID, CallStatus="in-progress")


async def test_an_attempt_that_nobody_knows_is_hung_up(web: Web) -> None:
    assert "<Hangup" in await _ask(web, "answer", uuid4(), CallSid=SID, CallStatus="in-progress")


async def test_while_there_is_nothing_to_ask_nobody_is_spoken_to(web: Web, watching: Scene, ringing: UUID) -> None:
    """A dashboard that saves by deleting and inserting must not make an empty interview of a live call."""
    await watching.execute("DELETE FROM watched_stages")
    assert "<Hangup" in await _ask(web, "answer", ringing, CallSid=SID, CallStatus="in-progress")


async def test_news_is_kept_once_and_sent_on(web: Web, watching: Scene, ringing: UUID) -> None:
    for _ in range(3):
        await _ask(web, "status", ringing, CallSid=SID, CallStatus="ringing", SequenceNumber="1")
    assert await watching.value("SELECT count(*) FROM call_events") == 1
    assert await watching.value("SELECT count(*) FROM outbox WHERE name = 'call_progressed'") == 1


async def test_whoever_rings_klaras_number_hears_a_neutral_sentence(web: Web) -> None:
    said = await _ask(web, "inbound", None, CallSid=SID, From="+4915199999999", To="+4952112345670")
    assert '<Say language="de-DE">' in said
    assert "<Hangup" in said
    assert "Pflege" not in said


@pytest.mark.parametrize("form", [{}, {"CallSid": "nonsense"}, {"CallSid": SID}, {"CallSid": SID, "CallStatus": "odd"}])
async def test_a_form_that_is_none_of_twilios_gets_400(web: Web, ringing: UUID, form: dict[str, str]) -> None:
    async with _posted(web, "status", ringing, form) as answer:
        assert answer.status == 400


async def test_a_broken_line_is_taken_up_where_it_broke_and_loses_no_answer(
    web: Web, watching: Scene, ringing: UUID
) -> None:
    await _ask(web, "answer", ringing, CallSid=SID, CallStatus="in-progress")
    async with await _relay(web, ringing) as socket:
        await socket.send_json(_setup(greeted=True))
        for spoken in ("Ja, am Apparat.", "Ja, das passt."):
            await socket.send_json({"type": "prompt", "voicePrompt": spoken, "lang": "de-DE", "last": True})
            await socket.receive_json(timeout=5)
        await socket.send_str("this is not JSON")
        await socket.send_json({"type": "prompt", "voicePrompt": "Sieben Jahre.", "lang": "de-DE", "last": True})
        asked = await socket.receive_json(timeout=5)
        assert await watching.value("SELECT meaning FROM answers") == "7"
    again = await _ask(web, "relay-ended", ringing, CallSid=SID, CallStatus="in-progress", SessionStatus="failed")
    assert "<ConversationRelay" in again
    async with await _relay(web, ringing) as socket:
        await socket.send_json(_setup(greeted=False))
        resumed = [(await socket.receive_json(timeout=5))["token"] for _ in range(2)]
        assert "anfangen" in asked["token"]
        assert "anfangen" in resumed[1]
    assert await watching.value("SELECT count(*) FROM answers") == 1


def _setup(*, greeted: bool) -> dict[str, Any]:
    parameters = {"greeted": "yes"} if greeted else {}
    return {
        "type": "setup",
        "sessionId": "VX1",
        "callSid": SID,
        "from": "+4952112345670",
        "to": NUMBER,
        "customParameters": parameters,
    }


async def _relay(web: Web, attempt_id: UUID) -> Any:
    path = f"/telephony/twilio/relay?attempt={attempt_id}"
    header = signature(AUTH_TOKEN, socket_address(f"{PUBLIC_URL}{path}"))
    return await web.ws_connect(path, headers={SIGNATURE_HEADER: header})


def _posted(web: Web, path: str, attempt_id: UUID | None, form: dict[str, str]) -> Any:
    query = f"?{urlencode({'attempt': str(attempt_id)})}" if attempt_id else ""
    target = f"/telephony/twilio/{path}{query}"
    header = signature(AUTH_TOKEN, f"{PUBLIC_URL}{target}", form.items())
    return web.post(target, data=form, headers={SIGNATURE_HEADER: header})


async def _ask(web: Web, path: str, attempt_id: UUID | None, **form: str) -> str:
    async with _posted(web, path, attempt_id, form) as answer:
        assert answer.status == 200, datetime.now(UTC)
        return str(await answer.text())
