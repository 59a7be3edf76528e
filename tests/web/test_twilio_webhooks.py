"""Twilio's addresses: only Twilio is answered, only the one call of an attempt is taken, news is stored once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from klara_daemon.demo.private_server import free_port
from klara_daemon.domain.dialogue.catalogue import catalogue
from klara_daemon.domain.dispositions import AttemptState
from klara_daemon.messages import CallProgressed, CancelCall
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Database
from klara_daemon.telephony.twilio import addresses
from tests.actors.scene import AUTH_TOKEN, CALLER, COMPANY, PUBLIC_URL, Scene
from tests.web.front import Front
from tests.web.front import front as another_front

A = AttemptState
PATHS = [
    addresses.ANSWER_PATH,
    addresses.FALLBACK_PATH,
    addresses.STATUS_PATH,
    addresses.MACHINE_PATH,
    addresses.RELAY_ENDED_PATH,
    addresses.INBOUND_PATH,
]
FORM = {"CallSid": "CA1", "CallStatus": "ringing", "To": CALLER}
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def attempt(watching: Scene) -> Attempt:
    """A call that is placed."""
    return await watching.dial(await watching.open_outreach())


def _signed_by(token: str, address: str, form: dict[str, str]) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(address, form)}


# Who may ask


@pytest.mark.parametrize("path", PATHS)
async def test_only_what_twilio_has_signed_is_answered(watching: Scene, front: Front, path: str) -> None:
    body, url = urlencode(FORM).encode(), PUBLIC_URL + path
    forged = [
        {},
        {"X-Twilio-Signature": ""},
        {"X-Twilio-Signature": "x" * 28},
        _signed_by("another token", url, FORM),
        _signed_by(AUTH_TOKEN, front.url + path, FORM),
        _signed_by(AUTH_TOKEN, url, FORM | {"CallSid": "CA2"}),
        _signed_by(AUTH_TOKEN, url + "?attempt=1", FORM),
        _signed_by(AUTH_TOKEN, url, {}),
    ]
    for headers in forged:
        assert (await front.post(path, body, headers)).status == 403
    assert (await front.post(path, body, _signed_by(AUTH_TOKEN, url, FORM))).status == 200
    host = {"Host": "klara.example"}
    assert (await front.post(path, body, host | _signed_by("another", url, FORM))).status == 403
    assert await watching.rows("SELECT FROM call_events") == []


async def test_a_signature_for_one_attempt_opens_no_other(watching: Scene, front: Front, attempt: Attempt) -> None:
    headers = _signed_by(AUTH_TOKEN, f"{PUBLIC_URL}{addresses.STATUS_PATH}?attempt={uuid4()}", FORM)
    answer = await front.post(f"{addresses.STATUS_PATH}?attempt={attempt.id}", urlencode(FORM).encode(), headers)
    assert answer.status == 403
    assert await watching.rows("SELECT FROM call_events") == []


@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": "x"}, _signed_by("another", PUBLIC_URL, {})])
async def test_the_relays_handshake_must_be_signed(front: Front, attempt: Attempt, headers: dict[str, str]) -> None:
    path = f"{addresses.RELAY_PATH}?attempt={attempt.id}"
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for more in ({}, _signed_by(AUTH_TOKEN, f"{PUBLIC_URL}{path}", {})):
        async with front._http.get(front.url + path, headers={**upgrade, **key, **headers, **more}) as response:
            assert response.status == 403


async def test_a_handshake_that_names_no_attempt_is_refused(front: Front) -> None:
    for query in ("", "?attempt=", "?attempt=x"):
        path = addresses.RELAY_PATH + query
        headers = _signed_by(AUTH_TOKEN, f"wss://klara.example{path}", {})
        async with front._http.get(front.url + path, headers=headers) as response:
            assert response.status == 400


@pytest.mark.parametrize(
    "body", [b"\xff=\xfe", b"x" * (64 * 1024 + 1), b"x" * (1 << 18), b"a=" + b"&a=" * 300, b"a=%00"]
)
async def test_whatever_else_is_wrong_with_what_nobody_has_signed_it_is_403(front: Front, body: bytes) -> None:
    assert [(await front.post(path, body)).status for path in PATHS] == [403] * len(PATHS)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"\xff=\xfe", 403), (b"x" * (64 * 1024 + 1), 413), (b"a=" + b"&a=" * 300, 403), (b"a=%00", 403)],
)
async def test_a_body_that_cannot_be_verified_is_refused(front: Front, body: bytes, status: int) -> None:
    signed = {"X-Twilio-Signature": "x" * 28}
    assert [(await front.post(path, body, signed)).status for path in PATHS] == [status] * len(PATHS)


async def test_a_long_body_that_does_not_say_its_length_is_413(front: Front) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * (1 << 14)

    signed = {"X-Twilio-Signature": "x" * 28}
    async with front._http.post(front.url + PATHS[0], data=pieces(), headers=signed) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ({}, {}),
        ({"CallSid": ""}, {}),
        ({"CallSid": "not a sid!"}, {}),
        ({"CallSid": "C" * 65}, {}),
        ({"CallSid": "CA1", "To": "\x00"}, {}),
        ({"CallSid": "CA1"}, {"attempt": "not-a-uuid"}),
    ],
)
async def test_a_form_without_what_is_needed_is_400(front: Front, form: dict[str, str], query: dict[str, str]) -> None:
    paths = [path for path in PATHS if not (query and path == addresses.INBOUND_PATH)]
    assert [(await front.call(path, form, **query)).status for path in paths] == [400] * len(paths)


@MANY
@given(
    path=st.sampled_from(PATHS),
    form=st.dictionaries(
        st.sampled_from(["CallSid", "CallStatus", "SequenceNumber", "AnsweredBy", "SipResponseCode", "To"]),
        st.text(max_size=12) | st.sampled_from(["CA1", "ringing", "completed", "99999999999", "\x00", CALLER]),
        max_size=6,
    ),
)
async def test_any_signed_form_gets_an_answer_that_is_no_fault_of_ours(
    front: Front, attempt: Attempt, path: str, form: dict[str, str]
) -> None:
    assert (await front.call(path, form, attempt=str(attempt.id))).status in {200, 400}


async def test_while_the_database_is_away_twilio_is_asked_to_come_again(watching: Scene, attempt: Attempt) -> None:
    database = await Database.open(f"postgresql://nobody@127.0.0.1:{free_port()}/none", watching.clock)
    try:
        async with another_front(watching, database=database) as found:
            answer = await found.call(addresses.STATUS_PATH, FORM, attempt=str(attempt.id))
    finally:
        await database.close()
    assert answer.status == 503


# News


async def test_news_is_stored_once_and_told(watching: Scene, front: Front, attempt: Attempt) -> None:
    form = {
        "CallSid": attempt.provider_ref or "",
        "CallStatus": "busy",
        "SequenceNumber": "3",
        "SipResponseCode": "486",
    }
    for _ in range(3):
        assert (await front.call(addresses.STATUS_PATH, form, attempt=str(attempt.id))).status == 200

    [event] = await watching.rows("SELECT * FROM call_events")
    assert (event["attempt_id"], event["call_status"], event["sip_code"]) == (attempt.id, "busy", 486)
    assert await watching.waiting_messages() == [CallProgressed.name]
    await watching.deliver()
    assert (await watching.attempt(attempt.id)).state is A.ENDED


async def test_a_verdict_about_a_machine_is_stored_and_told(watching: Scene, front: Front, attempt: Attempt) -> None:
    form = {"CallSid": attempt.provider_ref or "", "AnsweredBy": "machine_start"}
    for _ in range(2):
        await front.call(addresses.MACHINE_PATH, form, attempt=str(attempt.id))
    assert await watching.waiting_messages() == [CallProgressed.name]
    await watching.deliver()
    assert (await watching.attempt(attempt.id)).hang_up_because == "machine"


@pytest.mark.parametrize("path", [addresses.STATUS_PATH, addresses.MACHINE_PATH])
async def test_news_about_nobodys_call_is_answered_and_forgotten(watching: Scene, front: Front, path: str) -> None:
    assert (await front.call(path, FORM, attempt=str(uuid4()))).status == 200
    assert (await front.call(path, FORM)).status == 200
    assert await watching.rows("SELECT FROM call_events") == []


# Somebody picks up


async def test_who_picks_up_is_connected_and_greeted(watching: Scene, front: Front, attempt: Attempt) -> None:
    answer = await front.answer(attempt)

    assert answer.verbs == ["Connect"]
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.relay["url"] == f"wss://klara.example{addresses.RELAY_PATH}?attempt={attempt.id}"
    assert answer.relay["language"] == "de-DE"
    greeting = answer.relay["welcomeGreeting"]
    assert "Pflege am Teuto" in greeting
    assert "Erika Mustermann" in greeting
    assert "Pflegefachkraft" not in greeting, "the job is named only when it is sure who listens"
    assert answer.relay["welcomeGreetingInterruptible"] == "none"
    assert (await watching.attempt(attempt.id)).state is A.TALKING
    assert (await watching.told(attempt.candidate_id))[-1] == "call_answered"


async def test_names_are_put_into_the_document_as_they_are(watching: Scene, front: Front) -> None:
    name = 'Łukasz "O\'Neill" <script> & Söhne \u200f\x07'
    attempt = await watching.dial(await watching.open_outreach(name=name))
    greeting = (await front.answer(attempt)).relay["welcomeGreeting"]
    assert "Łukasz" in greeting
    assert "\x07" not in greeting


async def test_being_asked_twice_what_to_do_is_one_answer(watching: Scene, front: Front, attempt: Attempt) -> None:
    first, second = await front.answer(attempt), await front.answer(attempt)
    assert first == second
    assert (await watching.told(attempt.candidate_id)).count("call_answered") == 1


async def test_a_second_live_call_for_the_same_person_is_hung_up(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    assert (await front.answer(attempt)).verbs == ["Connect"]
    assert (await front.answer(attempt, ref="CA2")).verbs == ["Hangup"]
    assert (await watching.attempt(attempt.id)).provider_ref == attempt.provider_ref


@pytest.mark.parametrize("state", [A.PLACING, A.UNCLEAR])
async def test_a_call_whose_answer_was_lost_is_adopted_when_it_is_taken(
    watching: Scene, front: Front, attempt: Attempt, state: AttemptState
) -> None:
    await watching.execute("ALTER TABLE attempts DISABLE TRIGGER attempts_refuse")
    await watching.execute("UPDATE attempts SET provider_ref = NULL, state = $1", state)
    await watching.execute("ALTER TABLE attempts ENABLE TRIGGER attempts_refuse")
    assert (await front.answer(attempt, ref="CA7")).verbs == ["Connect"]
    adopted = await watching.attempt(attempt.id)
    assert (adopted.state, adopted.provider_ref) == (A.TALKING, "CA7")
    assert (await front.answer(attempt, ref="CA8")).verbs == ["Hangup"]


async def test_a_call_that_is_over_in_our_books_is_hung_up(watching: Scene, front: Front, attempt: Attempt) -> None:
    await watching.news(attempt, "failed")
    assert (await front.answer(attempt)).verbs == ["Hangup"]
    assert (await watching.attempt(attempt.id)).state is A.ENDED


async def test_a_call_whose_reason_has_gone_is_hung_up(watching: Scene, front: Front, attempt: Attempt) -> None:
    async with watching.database.transaction() as tx:
        await watching.listener.on_cancel_call(tx, [CancelCall(attempt_id=attempt.id, because="left_stage")])
    assert (await front.answer(attempt)).verbs == ["Hangup"]


@pytest.mark.parametrize("path", [addresses.ANSWER_PATH, addresses.FALLBACK_PATH, addresses.RELAY_ENDED_PATH])
async def test_a_call_of_no_known_attempt_is_hung_up(front: Front, path: str) -> None:
    assert (await front.call(path, FORM, attempt=str(uuid4()))).verbs == ["Hangup"]
    assert (await front.call(path, FORM)).verbs == ["Hangup"]


async def test_the_fallback_answers_as_the_first_address_would_have(front: Front, attempt: Attempt) -> None:
    assert (await front.answer(attempt, path=addresses.FALLBACK_PATH)).verbs == ["Connect"]


@pytest.mark.parametrize("gone", ["DELETE FROM watched_stages", "DELETE FROM questions", "DELETE FROM calling_windows"])
async def test_without_anything_to_ask_nobody_is_interviewed(
    watching: Scene, front: Front, attempt: Attempt, gone: str
) -> None:
    """Settings that went between dialling and picking up: a fault of ours, never a finished interview."""
    await watching.execute(f"SET session_replication_role = replica; {gone}")
    assert (await front.answer(attempt)).verbs == ["Hangup"]
    await watching.news(attempt, "completed")
    state, disposition = await watching.how_it_ended(attempt)
    assert (state, disposition) == (A.ENDED, "technical_failure")


# Somebody rings us


@pytest.mark.parametrize("language", ["de", "en"])
async def test_who_rings_us_hears_one_neutral_sentence_in_the_companys_language(
    watching: Scene, front: Front, language: str
) -> None:
    await watching.configure(company={"language": language})
    answer = await front.call(addresses.INBOUND_PATH, {"CallSid": "CA1", "From": "+4915199999999", "To": CALLER})
    assert answer.verbs == ["Say", "Hangup"]
    assert catalogue(language).said["inbound_neutral"].text in answer.text
    assert "Teuto" not in answer.text
    assert str(COMPANY) not in answer.text


@pytest.mark.parametrize("to", ["+4930111111", "", "anonymous"])
async def test_who_rings_a_number_of_nobody_hears_it_too(front: Front, to: str) -> None:
    answer = await front.call(addresses.INBOUND_PATH, {"CallSid": "CA1", "From": "", "To": to})
    assert answer.verbs == ["Say", "Hangup"]
