"""Callbacks: what is missing is tolerated, what cannot be used is refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.telephony.provider import CallStatus
from klara_daemon.telephony.twilio.addresses import Params
from klara_daemon.telephony.twilio.callbacks import (
    AnswerRequest,
    InboundCall,
    MachineEvent,
    RelayEnded,
    StatusEvent,
    answer_request,
    inbound_call,
    machine_event,
    relay_ended,
    status_event,
)
from klara_daemon.telephony.twilio.fields import Malformed, form_of

ATTEMPT = "6f9619ff-8b86-4011-b42d-00cf4fc964ff"
QUERY = {"attempt": ATTEMPT}
SID = "CA" + "a" * 32


def form(**fields: str) -> list[tuple[str, str]]:
    return [("CallSid", SID), *fields.items()]


def test_a_final_status_is_read_in_full() -> None:
    event = status_event(
        QUERY,
        form(
            CallStatus="no-answer",
            SequenceNumber="2",
            SipResponseCode="487",
            CallDuration="0",
            Timestamp="Mon, 16 Nov 2026 09:12:03 +0000",
            ErrorCode="",
        ),
    )
    at = datetime(2026, 11, 16, 9, 12, 3, tzinfo=UTC)
    assert event == StatusEvent(ATTEMPT, SID, CallStatus.NO_ANSWER, 2, 487, 0, None, at)


@pytest.mark.parametrize("status", list(CallStatus))
def test_each_status_is_known(status: CallStatus) -> None:
    assert status_event(QUERY, form(CallStatus=str(status))).status is status


def test_what_is_missing_or_odd_and_not_needed_is_left_out() -> None:
    event = status_event({}, form(CallStatus="ringing", SequenceNumber="-1", SipResponseCode="²", Timestamp="soon"))
    assert event == StatusEvent(None, SID, CallStatus.RINGING)


def test_the_key_tells_steps_apart_and_the_same_step_not() -> None:
    first = status_event(QUERY, form(CallStatus="ringing", SequenceNumber="1"))
    again = status_event(QUERY, form(CallStatus="ringing", SequenceNumber="1", Timestamp="later"))
    other = status_event(QUERY, form(CallStatus="ringing", SequenceNumber="2"))
    assert first.dedup_key == again.dedup_key
    assert first.dedup_key != other.dedup_key


@pytest.mark.parametrize(
    ("answered_by", "is_machine"),
    [
        ("human", False),
        ("unknown", False),
        ("", False),
        ("machine_start", True),
        ("machine_end_beep", True),
        ("fax", True),
    ],
)
def test_only_a_machine_is_a_machine(answered_by: str, is_machine: bool) -> None:
    assert machine_event(QUERY, form(AnsweredBy=answered_by)).is_machine is is_machine


@pytest.mark.parametrize(
    ("fields", "broke_off"),
    [
        ({"SessionStatus": "failed", "CallStatus": "in-progress", "ErrorCode": "64105"}, True),
        ({"SessionStatus": "failed", "CallStatus": "completed"}, False),
        ({"SessionStatus": "ended", "CallStatus": "in-progress", "HandoffData": '{"reason": "ended"}'}, False),
        ({"SessionStatus": "completed", "CallStatus": "completed"}, False),
        ({}, True),
    ],
)
def test_only_a_failed_session_of_a_live_call_can_be_taken_up_again(fields: dict[str, str], broke_off: bool) -> None:
    assert relay_ended(QUERY, form(**fields)).broke_off is broke_off


@pytest.mark.parametrize(
    ("session", "call", "person_left", "is_lost"),
    [
        ("completed", "completed", True, False),
        ("failed", "completed", False, True),
        ("failed", "in-progress", False, False),
        ("ended", "in-progress", False, False),
        ("ended", "completed", False, False),
    ],
)
def test_only_who_is_said_to_have_hung_up_has(session: str, call: str, person_left: bool, is_lost: bool) -> None:
    ended = relay_ended(QUERY, form(SessionStatus=session, CallStatus=call))
    assert (ended.person_left, ended.is_lost) == (person_left, is_lost)


def test_the_end_of_a_session_is_read_in_full() -> None:
    event = relay_ended(
        QUERY | {"resumed": "2"},
        form(SessionId="VX1", SessionStatus="failed", CallStatus="in-progress", HandoffData="", ErrorCode="64105"),
    )
    assert event == RelayEnded(ATTEMPT, SID, "VX1", "failed", CallStatus.IN_PROGRESS, None, "64105", 2)


def test_the_other_callbacks_are_read() -> None:
    fields = form(From="+491", To="+492", AnsweredBy="human", ErrorCode="11200")
    assert machine_event(QUERY, fields) == MachineEvent(ATTEMPT, SID, "human")
    assert answer_request(QUERY, fields) == AnswerRequest(ATTEMPT, SID, to="+492", caller="+491", error_code="11200")
    assert inbound_call(fields) == InboundCall(SID, from_number="+491", to="+492")


Reader = Callable[[Mapping[str, str], Params], object]


def _inbound(_: Mapping[str, str], fields: Params) -> object:
    return inbound_call(fields)


READERS: list[Reader] = [status_event, machine_event, relay_ended, answer_request, _inbound]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("sid", [None, "", "CA 1", "CA'; --", "ÇA1", "C" * 65])
def test_a_call_without_a_usable_id_is_refused(read: Reader, sid: str | None) -> None:
    fields = [("CallStatus", "ringing")] if sid is None else [("CallSid", sid), ("CallStatus", "ringing")]
    with pytest.raises(Malformed, match="SID"):
        read({}, fields)


@pytest.mark.parametrize("status", ["", "RINGING", "melting"])
def test_an_unknown_status_is_refused(status: str) -> None:
    with pytest.raises(Malformed, match="status"):
        status_event({}, form(CallStatus=status))


def test_an_attempt_that_is_no_uuid_is_refused_and_not_repeated() -> None:
    with pytest.raises(Malformed) as refused:
        answer_request({"attempt": "../../etc"}, form())
    assert "etc" not in str(refused.value)


@pytest.mark.parametrize("read", READERS)
@given(
    query=st.dictionaries(st.sampled_from(["attempt", "resumed", "x"]), st.text(max_size=40)),
    fields=st.dictionaries(
        st.sampled_from(["CallSid", "CallStatus", "SequenceNumber", "Timestamp", "AnsweredBy", "SessionStatus"]),
        st.text(max_size=40) | st.sampled_from([SID, "ringing", "9" * 30, "Mon, 99 Nov 99999 99:99:99 +9999"]),
    ),
)
def test_whatever_arrives_is_read_or_refused(read: Reader, query: dict[str, str], fields: dict[str, str]) -> None:
    with suppress(Malformed):
        read(query, fields.items())


@given(st.binary(max_size=200))
def test_any_body_is_a_form_or_refused(body: bytes) -> None:
    with suppress(Malformed):
        form_of(body)


def test_a_form_keeps_blank_fields_and_repeated_ones() -> None:
    assert form_of(b"a=&b=%C3%BC&b=2") == [("a", ""), ("b", "ü"), ("b", "2")]


@pytest.mark.parametrize("body", ["ä=1".encode(), b"&".join([b"a=1"] * 300)])
def test_a_body_that_no_form_is_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        form_of(body)
