"""The address for Recruitee's webhooks: whatever is sent gets a clear answer, and what is true is stored once."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klara_daemon.demo.private_server import free_port
from klara_daemon.messages import WebhookAccepted
from klara_daemon.store.database import Database
from klara_daemon.vault import Vault, new_key
from tests.actors.scene import APPLIED, CALL, COMPANY, OFFER, Scene
from tests.web.front import SECRET, Front
from tests.web.front import front as another_front

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def webhook(webhook_id: object = 81192, **more: object) -> dict[str, Any]:
    """A webhook as Recruitee sends it."""
    return {
        "id": webhook_id,
        "event_type": "candidate_moved",
        "event_subtype": "stage_changed",
        "attempt_count": 1,
        "created_at": "2026-09-07T07:00:00.000000Z",
        "payload": {
            "company": {"id": COMPANY, "name": "Pflege am Teuto"},
            "candidate": {"id": 46044140, "name": "Erika Mustermann", "phones": ["0151 23456701"]},
            "offer": {"id": OFFER, "title": "Pflegefachkraft"},
            "details": {"from_stage": {"id": APPLIED}, "to_stage": {"id": CALL}},
        },
        **more,
    }


async def _events(scene: Scene) -> list[dict[str, Any]]:
    return await scene.rows("SELECT * FROM webhook_events ORDER BY id")


# Taken


async def test_a_signed_webhook_is_stored_and_answered_200(watching: Scene, front: Front) -> None:
    answer = await front.webhook(webhook())

    assert answer.status == 200
    [event] = await _events(watching)
    assert (event["company_id"], event["webhook_id"], event["event_type"]) == (COMPANY, "81192", "candidate_moved")
    assert (event["candidate_id"], event["offer_id"], event["to_stage_id"]) == (46044140, OFFER, CALL)
    assert event["created_at"] == watching.clock()
    assert await watching.waiting_messages() == [WebhookAccepted.name]


async def test_nothing_of_the_person_is_stored(watching: Scene, front: Front) -> None:
    await front.webhook(webhook())
    stored = await watching.value("SELECT string_agg(e::text, '') FROM webhook_events e")
    sent = await watching.value("SELECT string_agg(body, '') FROM outbox")
    for personal in ("Erika", "Mustermann", "0151", "23456701"):
        assert personal not in stored + sent


async def test_it_leads_to_a_stay(watching: Scene, front: Front) -> None:
    candidate_id = watching.candidate()
    watching.recruitee.set_webhook(COMPANY, f"{front.url}/webhooks/recruitee/{COMPANY}", SECRET)
    await watching.recruitee.move(COMPANY, candidate_id, OFFER, APPLIED)
    await watching.recruitee.move(COMPANY, candidate_id, OFFER, CALL)
    assert {delivery.status for delivery in watching.recruitee.webhooks.deliveries} == {200}
    await watching.deliver()
    await watching.read()

    assert [stay["candidate_id"] for stay in await watching.open_stays()] == [candidate_id]


async def test_the_same_webhook_again_is_answered_200_and_stored_once(watching: Scene, front: Front) -> None:
    for attempt in (1, 2, 3):
        assert (await front.webhook(webhook(attempt_count=attempt))).status == 200
    assert len(await _events(watching)) == 1
    assert len(await watching.waiting_messages()) == 1


async def test_an_id_that_comes_again_at_another_time_is_another_webhook(watching: Scene, front: Front) -> None:
    for created_at in ("2026-09-07T07:00:00Z", "2026-09-07T07:00:00.000001Z", "2026-09-07T09:00:00+02:00"):
        await front.webhook(webhook(created_at=created_at))
    assert len(await _events(watching)) == 2


async def test_parts_that_are_missing_are_no_matter(watching: Scene, front: Front) -> None:
    assert (await front.webhook({"id": "a", "event_type": "candidate_deleted"})).status == 200
    assert (await front.webhook({"id": "a", "event_type": "candidate_deleted"})).status == 200
    [event] = await _events(watching)
    assert event["candidate_id"] is None


@pytest.mark.parametrize("stored", [True, False])
async def test_a_test_ping_is_always_welcome(watching: Scene, front: Front, stored: bool) -> None:
    if not stored:
        await watching.execute("UPDATE company_secrets SET webhook_secret = NULL")
    for secret in (None, SECRET, "another"):
        assert (await front.webhook({"test": True}, secret=secret)).status == 200
    assert await _events(watching) == []
    assert not await watching.watcher.poll_one()


async def test_without_a_secret_a_webhook_prompts_a_look_and_is_not_stored(watching: Scene, front: Front) -> None:
    await watching.execute("UPDATE company_secrets SET webhook_secret = NULL")
    await watching.let_pass(60)
    assert not await watching.watcher.poll_one()
    assert (await front.webhook(webhook(), secret=None)).status == 200
    assert (await front.webhook(webhook(), secret="whatever")).status == 200

    assert await _events(watching) == []
    await watching.execute("UPDATE stage_watches SET poll_due_at = poll_due_at - interval '10 s'")
    assert await watching.watcher.poll_one()


async def test_a_company_whose_settings_are_to_come_is_known_already(watching: Scene, front: Front) -> None:
    await watching.execute("SET session_replication_role = replica; DELETE FROM companies; DELETE FROM call_settings")
    assert (await front.webhook(webhook())).status == 200


# Refused


async def test_a_bad_signature_is_401_and_stores_nothing(watching: Scene, front: Front) -> None:
    for secret in (None, "another", ""):
        assert (await front.webhook(webhook(), secret=secret)).status == 401
    assert await _events(watching) == []
    assert await watching.waiting_messages() == []


async def test_a_signature_of_any_kind_is_401(front: Front) -> None:
    for header in ("", "x", "0" * 64, "ÄÖÜ", "sha256=" + "0" * 64, "\udcff"):
        headers = {"X-Recruitee-Signature": header.encode("utf-8", "surrogateescape").decode("latin-1")}
        assert (await front.webhook(webhook(), secret=None, headers=headers)).status == 401


async def test_a_signature_is_over_the_raw_bytes(front: Front) -> None:
    raw = json.dumps(webhook(), indent=3).encode() + b"\n\n"
    assert (await front.webhook(raw)).status == 200
    headers = {"X-Recruitee-Signature": "0" * 64}
    assert (await front.webhook(raw + b" ", secret=None, headers=headers)).status == 401


async def test_a_company_that_is_not_known_is_404(front: Front) -> None:
    for company_id in (1, 0, 999_999_999_999, 10**14):
        assert (await front.webhook({"test": True}, company_id=company_id)).status == 404
        assert (await front.webhook(b"\xff", company_id=company_id)).status == 404


async def test_an_address_that_is_none_is_404(front: Front) -> None:
    for path in ("", "/", "/x", "/-1", "/1.0", f"/{10**15}", f"/{COMPANY}/more"):
        assert (await front.post(f"/webhooks/recruitee{path}", b"{}")).status == 404


async def test_a_body_about_another_company_is_refused(watching: Scene, front: Front) -> None:
    body = webhook()
    body["payload"]["company"]["id"] = COMPANY + 1
    assert (await front.webhook(body)).status == 400
    assert await _events(watching) == []


@pytest.mark.parametrize(("size", "status"), [(256 * 1024, 200), (256 * 1024 + 1, 413), (900 * 1024, 413)])
async def test_more_than_256_kib_is_413(front: Front, size: int, status: int) -> None:
    empty = json.dumps(webhook(filler="")).encode()
    raw = json.dumps(webhook(filler="x" * (size - len(empty)))).encode()
    assert len(raw) == size
    assert (await front.webhook(raw)).status == status


async def test_what_is_no_webhook_is_400(watching: Scene, front: Front) -> None:
    nothing = (b"", b"{", b"null", b"[]", b"1", b'"x"', b"{}", b'{"id": 1}', b"\xff\xfe", b"<html>", b"[" * 100_000)
    for raw in nothing:
        answer = await front.webhook(raw)
        assert (answer.status, answer.text[:8]) == (400, "the body")
    assert await _events(watching) == []


async def test_a_compressed_body_is_415(watching: Scene, front: Front) -> None:
    raw = json.dumps(webhook()).encode()
    bodies = {"gzip": gzip.compress(raw), "deflate": zlib.compress(raw), "identity": raw, "nonsense": raw}
    for encoding, body in bodies.items():
        assert (await front.webhook(body, headers={"Content-Encoding": encoding})).status == 415
    assert await _events(watching) == []


async def test_a_get_is_not_a_webhook(front: Front) -> None:
    async with front._http.get(f"{front.url}/webhooks/recruitee/{COMPANY}") as response:
        assert response.status == 405


# Whatever comes


_words = st.text(max_size=20) | st.sampled_from(["\x00", "\ud800", "x" * 5000, "ä" * 101, "2026-09-07T07:00:00Z"])
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _words
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3), max_leaves=6
)
_ids = st.integers(-2, 2**70) | _scalars
_instants = (
    st.datetimes().map(lambda at: at.isoformat() + "Z")
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01", "", "now", "2026-09-07"])
    | _scalars
)
_webhooks = st.fixed_dictionaries(
    {
        "id": _ids,
        "event_type": _words | st.just("candidate_moved"),
        "event_subtype": _scalars,
        "created_at": _instants,
        "payload": _json
        | st.fixed_dictionaries(
            {
                "company": st.just({"id": COMPANY}) | _json,
                "candidate": st.builds(lambda found: {"id": found}, _ids) | _json,
                "offer": st.builds(lambda found: {"id": found}, _ids) | _json,
                "details": st.builds(lambda found: {"to_stage": {"id": found}}, _ids) | _json,
            }
        ),
    }
)


@MANY
@given(raw=st.binary(max_size=300), signed=st.booleans())
async def test_any_bytes_get_an_answer_that_is_no_fault_of_ours(front: Front, raw: bytes, signed: bool) -> None:
    assert (await front.webhook(raw, secret=SECRET if signed else None)).status in {200, 400, 401}


@MANY
@given(body=_json | _webhooks)
async def test_any_signed_json_is_taken_or_refused(front: Front, body: object) -> None:
    assert (await front.webhook(body)).status in {200, 400}


@MANY
@given(body=_webhooks)
async def test_whatever_was_stored_can_be_worked_on(watching: Scene, front: Front, body: object) -> None:
    await front.webhook(body)
    await watching.deliver()


# Outages and faults of ours


async def test_while_the_database_is_away_recruitee_is_asked_to_come_again(watching: Scene) -> None:
    database = await Database.open(f"postgresql://nobody@127.0.0.1:{free_port()}/none", watching.clock)
    try:
        async with another_front(watching, database=database) as found:
            answer = await found.webhook(webhook())
    finally:
        await database.close()
    assert answer.status == 503


async def test_a_secret_that_cannot_be_opened_is_our_fault_and_recruitee_comes_again(
    watching: Scene, front: Front
) -> None:
    async with another_front(watching, vault=Vault([new_key()])) as other:
        answer = await other.webhook(webhook())
    assert answer.status >= 500
    assert SECRET not in answer.text
    assert await _events(watching) == []
    assert (await front.webhook(webhook())).status == 200
