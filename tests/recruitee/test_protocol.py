"""Recruitee's webhooks and their signature, its errors by what to do, its pipelines."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.recruitee.protocol import (
    Access,
    Gone,
    MalformedWebhook,
    Offer,
    Reconnect,
    RecruiteeError,
    Refused,
    TestPing,
    Unavailable,
    WebhookEvent,
    endpoint,
    error_for,
    is_signed,
    parse_webhook,
    sign,
)

MOVED: dict[str, object] = {
    "id": 81192,
    "event_type": "candidate_moved",
    "event_subtype": "stage_changed",
    "attempt_count": 1,
    "created_at": "2026-10-20T09:12:33.046300Z",
    "payload": {
        "company": {"id": 89564, "name": "Example GmbH"},
        "candidate": {"id": 46044140, "name": "Erika Muster", "phones": ["+49 151 1234567"]},
        "offer": {"id": 1181300, "title": "Pflegefachkraft (m/w/d)", "tags": [{"id": 1, "name": "Köln"}]},
        "details": {
            "from_stage": {"id": 8063175, "name": "Applied", "category": "apply"},
            "to_stage": {"id": 8063176, "name": "Qualification Call", "category": "phone_screen"},
        },
    },
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYS = ["id", "event_type", "event_subtype", "created_at", "payload", "company", "candidate", "offer", "details"]


def test_the_address_names_the_company_by_its_number() -> None:
    assert endpoint("https://api.recruitee.com/", 89564, "admin") == "https://api.recruitee.com/c/89564/admin"


def test_the_token_is_not_shown() -> None:
    assert "hush" not in repr(Access(1, "hush")) + str(Access(1, "hush"))


# --- signatures


def test_the_signature_is_the_known_one() -> None:
    # RFC 4231, test case 2
    assert (
        sign("Jefe", b"what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@given(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), st.binary())
def test_what_is_signed_is_recognized_in_any_case_and_with_blanks(secret: str, raw: bytes) -> None:
    assert is_signed(secret, raw, sign(secret, raw))
    assert is_signed(secret, raw, f" {sign(secret, raw).upper()}\t")


@given(st.binary(), st.none() | st.text(alphabet=st.characters()), st.text(alphabet=st.characters(codec="utf-8")))
def test_no_other_header_is_a_signature(raw: bytes, header: str | None, secret: str) -> None:
    assert not is_signed(secret, raw, header)


@given(st.binary(min_size=1), st.data())
def test_one_changed_byte_makes_the_signature_void(raw: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert not is_signed("secret", bytes(changed), sign("secret", raw))


@given(st.integers(0, 63))
def test_one_changed_letter_makes_the_signature_void(place: int) -> None:
    signature = sign("secret", b"{}")
    other = "0" if signature[place] != "0" else "1"
    assert not is_signed("secret", b"{}", signature[:place] + other + signature[place + 1 :])


@pytest.mark.parametrize("end", [slice(0, 63), slice(1, 64), slice(0, 0)])
def test_a_part_of_the_signature_is_none(end: slice) -> None:
    assert not is_signed("secret", b"{}", sign("secret", b"{}")[end])


def test_an_empty_secret_signs_nothing() -> None:
    assert not is_signed("", b"{}", sign("", b"{}"))


# --- webhooks


def test_a_move_is_read() -> None:
    assert parse_webhook(json.dumps(MOVED).encode()) == WebhookEvent(
        webhook_id="81192",
        event_type="candidate_moved",
        event_subtype="stage_changed",
        created_at=datetime(2026, 10, 20, 9, 12, 33, 46300, tzinfo=UTC),
        company_id=89564,
        candidate_id=46044140,
        offer_id=1181300,
        to_stage_id=8063176,
    )


def test_an_unknown_event_is_an_event_without_parts() -> None:
    event = parse_webhook(b'{"id": "x-1", "event_type": "moon_rose"}')
    assert event == WebhookEvent("x-1", "moon_rose", None, None, None, None, None, None)


def test_a_new_candidate_names_its_offers_in_a_list_which_is_no_offer() -> None:
    payload = {"candidate": {"id": 5}, "offers": [{"id": 7}]}
    event = parse_webhook(json.dumps({"id": 1, "event_type": "candidate_created", "payload": payload}).encode())
    assert isinstance(event, WebhookEvent)
    assert (event.candidate_id, event.offer_id) == (5, None)


def test_a_disqualification_leads_to_no_stage() -> None:
    payload = {**MOVED, "event_subtype": "disqualified", "payload": {"details": {"disqualify_reason": "x"}}}
    event = parse_webhook(json.dumps(payload).encode())
    assert isinstance(event, WebhookEvent)
    assert event.to_stage_id is None


@pytest.mark.parametrize("body", [{"test": True}, {**MOVED, "test": True}, {"test": "true"}, {"test": 1}])
def test_a_test_is_told_by_its_key_whatever_stands_beside_it(body: object) -> None:
    assert parse_webhook(json.dumps(body).encode()) == TestPing()


@pytest.mark.parametrize("test", [False, None, 0])
def test_a_false_test_key_is_no_test(test: object) -> None:
    assert isinstance(parse_webhook(json.dumps({**MOVED, "test": test}).encode()), WebhookEvent)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "the body is not JSON"),
        (b"\xff\xfe{}", "the body is not JSON"),
        (b"candidate=1", "the body is not JSON"),
        (b'{"id": 1, "event_type": "candidate_mo', "the body is not JSON"),
        (b'{"a":' * 100_000, "the body is not JSON"),
        (b"[" * 1000 + b"]" * 1000, "the body is not JSON"),
        (b'{"id": 1, "event_type": "\\ud800"}', "the body is not JSON"),
        (b"null", "the body is not a JSON object"),
        (b"[1]", "the body is not a JSON object"),
        (b'"candidate_moved"', "the body is not a JSON object"),
        (b"{}", "the body lacks an id or an event_type"),
        (b'{"id": 1}', "the body lacks an id or an event_type"),
        (b'{"id": true, "event_type": "x"}', "the body lacks an id or an event_type"),
        (b'{"id": 99999999999999999999, "event_type": "x"}', "the body lacks an id or an event_type"),
        (b'{"id": 1, "event_type": "a\\u0000b\\n"}', "the body lacks an id or an event_type"),
        (b'{"id": 1, "event_type": "' + b"x" * 101 + b'"}', "the body lacks an id or an event_type"),
    ],
)
def test_what_is_no_webhook_is_refused_with_a_sentence(raw: bytes, sentence: str) -> None:
    with pytest.raises(MalformedWebhook, match=f"^{sentence}$"):
        parse_webhook(raw)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    _read(raw)


@given(st.recursive(json_values, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner), max_leaves=30))
def test_any_json_in_the_known_places_is_read_or_refused(body: object) -> None:
    _read(json.dumps(body).encode())


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_an_event_holds_only_what_a_database_can_store(changes: dict[str, object]) -> None:
    event = _read(json.dumps({**MOVED, **changes}).encode())
    if isinstance(event, WebhookEvent):
        ids = (event.company_id, event.candidate_id, event.offer_id, event.to_stage_id)
        assert all(found is None or 0 < found < 2**63 for found in ids)
        words = (event.webhook_id, event.event_type, event.event_subtype or "")
        assert all(len(word) <= 100 and "\x00" not in word and word.encode() is not None for word in words)
        assert event.created_at is None or event.created_at.utcoffset() is not None


def _read(raw: bytes) -> WebhookEvent | TestPing | None:
    try:
        return parse_webhook(raw)
    except MalformedWebhook:
        return None


# --- errors


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"", Refused),
        (401, b'{"error":"Token not found.","error_code":"invalid_token"}', Reconnect),
        (403, b'{"error":["Forbidden"]}', Reconnect),
        (404, b"", Gone),
        (404, b"404: Not Found", Gone),
        (410, b"{}", Gone),
        (408, b"", Unavailable),
        (409, b"{}", Refused),
        (422, b'{"error":["Name can\'t be blank"]}', Refused),
        (429, b"", Unavailable),
        (500, b"", Unavailable),
        (503, b"<html>", Unavailable),
        (302, b"", Unavailable),
    ],
)
def test_an_error_says_what_to_do(status: int, body: bytes, kind: type[RecruiteeError]) -> None:
    error = error_for(status, {}, body)
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_page_is_not_the_word_of_recruitee(status: int) -> None:
    assert type(error_for(status, {}, b"\n <!DOCTYPE html><title>Proxy</title>")) is Unavailable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "999999999"}, 86_400.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_when_to_ask_again_is_read(headers: dict[str, str], seconds: float | None) -> None:
    error = error_for(429, headers, b"")
    assert isinstance(error, Unavailable)
    assert error.retry_after_s == seconds


@given(st.integers(100, 599), st.text(), st.text(), st.binary() | json_values.map(lambda v: json.dumps(v).encode()))
def test_any_answer_gives_an_error(status: int, retry_after: str, date: str, body: bytes) -> None:
    error = error_for(status, {"Retry-After": retry_after, "Date": date}, body)
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"error": "Token not found.", "error_code": "invalid_token"}, "Token not found.; invalid_token"),
        ({"error": ["Name can't be blank", "Name can't be blank"]}, "Name can't be blank"),
        ({"errors": [{"code": "x", "message": "<b>Stage</b> is invalid"}]}, "Stage is invalid"),
        ({"error": {"message": "no"}}, "no"),
        ({"error": "Email erika@example.com is taken"}, "Email ... is taken"),
        ({"error": "Phone +49 151 1234567 is invalid"}, "Phone ... is invalid"),
        ({"error": 'Candidate "Erika Muster" is locked'}, "Candidate ... is locked"),
    ],
)
def test_an_error_says_what_recruitee_said_without_a_persons_data(body: object, sentence: str) -> None:
    assert str(error_for(422, {}, json.dumps(body).encode())) == f"Recruitee answered 422: {sentence}"


def test_what_is_not_json_is_not_quoted() -> None:
    assert str(error_for(500, {}, b"Erika Muster <erika@example.com>: undefined method")) == "Recruitee answered 500"


def test_a_long_error_is_cut() -> None:
    assert len(str(error_for(422, {}, json.dumps({"error": ["word " * 1000] * 100}).encode()))) < 200


# --- offers


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("published", True), ("internal", True), ("draft", True), ("closed", False), ("archived", False)],
)
def test_a_closed_or_archived_offer_is_not_open(status: str, is_open: bool) -> None:
    assert Offer(1, "Job", status, None, ()).is_open is is_open
