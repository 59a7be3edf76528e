"""Twilio's REST API: the form of a dial, its answers by what to do, and which listed call is ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.telephony.provider import (
    Absent,
    CallStatus,
    Dial,
    Found,
    NotSent,
    Objection,
    Rejected,
    RemoteCall,
    Uncertain,
    Unknown,
)
from klara_daemon.telephony.twilio.fields import Malformed
from klara_daemon.telephony.twilio.protocol import (
    dial_form,
    error_of,
    listed_calls,
    listed_numbers,
    placed_call,
    remote_call,
    the_call_of,
)

DIAL = Dial(attempt_id="6f9619ff-8b86-4011-b42d-00cf4fc964ff", to="+4915112345678", caller="+4952112345670")
T0 = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
CALL = {
    "sid": "CA" + "a" * 32,
    "status": "queued",
    "to": DIAL.to,
    "from": DIAL.caller,
    "direction": "outbound-api",
    "date_created": "Mon, 16 Nov 2026 09:00:00 +0000",
    "start_time": None,
    "answered_by": None,
    "duration": None,
}


def error(code: object) -> bytes:
    return json.dumps({"code": code, "message": "no", "status": 400}).encode()


def test_a_dial_asks_for_everything_that_the_attempt_needs() -> None:
    form = dial_form(DIAL, "https://k.example/base/")
    fields = dict(form)
    assert {name: fields[name] for name in ("To", "From", "Timeout", "TimeLimit", "MachineDetection", "AsyncAmd")} == {
        "To": DIAL.to,
        "From": DIAL.caller,
        "Timeout": "25",
        "TimeLimit": "900",
        "MachineDetection": "Enable",
        "AsyncAmd": "true",
    }
    assert [v for n, v in form if n == "StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]


@pytest.mark.parametrize(
    ("field", "path", "fragment"),
    [
        ("Url", "/base/telephony/twilio/answer", ""),
        ("FallbackUrl", "/base/telephony/twilio/fallback", ""),
        ("StatusCallback", "/base/telephony/twilio/status", "rc=5&rp=all"),
        ("AsyncAmdStatusCallback", "/base/telephony/twilio/machine", "rc=5&rp=all"),
    ],
)
def test_each_address_of_a_dial_names_its_attempt(field: str, path: str, fragment: str) -> None:
    url = urlsplit(dict(dial_form(DIAL, "https://k.example/base"))[field])
    assert (url.scheme, url.netloc, url.path, url.fragment) == ("https", "k.example", path, fragment)
    assert parse_qs(url.query) == {"attempt": [DIAL.attempt_id]}


def test_a_placed_call_is_read() -> None:
    call = placed_call(201, json.dumps(CALL).encode())
    assert call == RemoteCall(
        ref=str(CALL["sid"]),
        status=CallStatus.QUEUED,
        to=DIAL.to,
        caller=DIAL.caller,
        created_at=T0,
        direction="outbound-api",
    )


@pytest.mark.parametrize(
    ("status", "body", "objection"),
    [
        (400, error(21211), Objection.NUMBER),
        (400, error(21217), Objection.NUMBER),
        (400, error(13224), Objection.NUMBER),
        (400, error("13224"), Objection.NUMBER),
        (400, error(21210), Objection.CALLER),
        (400, error(21212), Objection.CALLER),
        (403, error(21210), Objection.CALLER),
        (400, error(21215), Objection.PERMISSION),
        (403, error(21215), Objection.PERMISSION),
        (400, error(21219), Objection.PERMISSION),
        (400, error(573005), Objection.PERMISSION),
        (401, error(20003), Objection.ACCOUNT),
        (403, error(20403), Objection.ACCOUNT),
        (404, error(20404), Objection.REQUEST),
        (400, error(21205), Objection.REQUEST),
    ],
)
def test_a_refusal_with_a_code_is_final_and_says_what_it_is_about(
    status: int, body: bytes, objection: Objection
) -> None:
    with pytest.raises(Rejected) as refused:
        placed_call(status, body)
    assert refused.value.objection is objection
    assert refused.value.code == str(json.loads(body)["code"])


@pytest.mark.parametrize("body", [error(20429), b"", b"<html>slow down</html>"])
@pytest.mark.parametrize(("header", "seconds"), [(None, 5), ("3", 3), ("Mon, 16 Nov 2026", 5), ("-1", 5)])
def test_too_many_requests_means_that_nothing_was_sent(body: bytes, header: str | None, seconds: int) -> None:
    with pytest.raises(NotSent) as not_sent:
        placed_call(429, body, header)
    assert not_sent.value.retry_after_s == seconds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, error(20500)),
        (502, b"<html>bad gateway</html>"),
        (503, b""),
        (504, b""),
        (307, b""),
        (400, b""),
        (408, b"timeout"),
        (403, b"<html>firewall</html>"),
        (400, error(None)),
        (400, error([1])),
        (400, b"[21211]"),
        (201, b""),
        (201, b'{"sid": "CA'),
        (201, b"[]"),
        (201, b'{"status": "queued"}'),
        (201, b'{"sid": "", "status": "queued"}'),
        (201, b'{"sid": "CA1", "status": "melting"}'),
        (201, b'{"sid": 7, "status": "queued"}'),
        (200, b"\xff"),
        (201, b"[" * 100_000),
    ],
)
def test_everything_else_leaves_it_open_whether_a_call_exists(status: int, body: bytes) -> None:
    with pytest.raises(Uncertain):
        placed_call(status, body)


@given(status=st.integers(100, 599), body=st.binary(max_size=100))
def test_no_answer_to_a_dial_is_taken_for_a_call_by_chance(status: int, body: bytes) -> None:
    with pytest.raises((Rejected, NotSent, Uncertain)):
        placed_call(status, body)


def call(ref: str = "CA1", at: datetime | None = T0, to: str = DIAL.to, caller: str = DIAL.caller) -> RemoteCall:
    return RemoteCall(ref, CallStatus.QUEUED, to, caller, created_at=at, direction="outbound-api")


def seconds(number: float) -> datetime:
    return T0 + timedelta(seconds=number)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], None),
        ([call()], "CA1"),
        ([call(at=seconds(-5))], "CA1"),
        ([call(at=seconds(-6))], None),
        ([call(at=seconds(600))], "CA1"),
        ([call(at=seconds(601))], None),
        ([call("CA9")], None),
        ([call("CA9"), call("CA1")], "CA1"),
        ([call(to="+4915100000000")], None),
        ([call(caller="+4915100000000")], None),
        ([RemoteCall("CA1", CallStatus.QUEUED, DIAL.to, DIAL.caller, created_at=T0, direction="inbound")], None),
        ([RemoteCall("CA1", CallStatus.QUEUED, DIAL.to, DIAL.caller, created_at=T0)], None),
        ([call("CA1", at=seconds(-7200)), call("CA2")], "CA2"),
    ],
)
def test_the_one_call_that_can_be_it_is_found(listed: list[RemoteCall], found: str | None) -> None:
    lookup = the_call_of(DIAL, T0, frozenset({"CA9"}), listed)
    assert lookup == (Absent() if found is None else Found(next(c for c in listed if c.ref == found)))


@pytest.mark.parametrize("listed", [[call("CA1"), call("CA2", seconds(300))], [call(at=None)]])
def test_what_does_not_decide_decides_nothing(listed: list[RemoteCall]) -> None:
    assert isinstance(the_call_of(DIAL, T0, frozenset(), listed), Unknown)


def test_a_page_of_calls_is_read_with_the_way_to_the_next() -> None:
    body = json.dumps({"calls": [CALL, CALL | {"sid": "CA2"}], "next_page_uri": "/next?Page=1"}).encode()
    calls, following = listed_calls(body)
    assert [c.ref for c in calls] == [CALL["sid"], "CA2"]
    assert following == "/next?Page=1"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"calls": {}}', b'{"calls": [1]}', b'{"calls": [{}]}'])
def test_a_list_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        listed_calls(body)


def test_fields_of_a_wrong_type_count_as_missing() -> None:
    read = remote_call(CALL | {"to": None, "date_created": 5, "answered_by": ["human"], "direction": ""})
    assert (read.to, read.created_at, read.answered_by, read.direction) == ("", None, None, None)


def test_the_numbers_of_an_account_are_read_from_either_list() -> None:
    assert listed_numbers(b'{"incoming_phone_numbers": [{"phone_number": "+491"}, {}, 5]}') == {"+491"}
    assert listed_numbers(b'{"outgoing_caller_ids": [{"phone_number": "+492"}], "page": 0}') == {"+492"}
    assert listed_numbers(b"nothing") == frozenset()


def test_an_error_is_told_in_the_vendors_words_and_no_longer_than_needed() -> None:
    assert error_of(error(21211)) == ("21211", "no")
    code, message = error_of(json.dumps({"code": 1, "message": "x" * 9000}).encode())
    assert (code, len(message)) == ("1", 500)
