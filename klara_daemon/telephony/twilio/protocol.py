"""Twilio's REST API, pure: the form of a dial, what the answers mean, which listed call is ours.

Sources: Twilio's OpenAPI description (`twilio_api_v2010`), "Call resource", "Error and warning dictionary".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from klara_daemon.telephony.provider import (
    Absent,
    Dial,
    Found,
    Lookup,
    NotSent,
    Objection,
    Rejected,
    RemoteCall,
    Uncertain,
    Unknown,
)
from klara_daemon.telephony.twilio.addresses import (
    ANSWER_PATH,
    FALLBACK_PATH,
    MACHINE_PATH,
    REPEATED,
    STATUS_PATH,
    address,
)
from klara_daemon.telephony.twilio.fields import Malformed, instant_of, json_of, number_of, sid_of, status_of


def dial_form(dial: Dial, public_url: str) -> list[tuple[str, str]]:
    """The form of `POST .../Calls.json`; the attempt's id stands in every address that Twilio will ask.

    The machine is detected while both already speak: waiting for the verdict would greet people with silence.
    """
    attempt = dial.attempt_id
    return [
        ("To", dial.to),
        ("From", dial.caller),
        ("Url", address(public_url, ANSWER_PATH, attempt=attempt)),
        ("FallbackUrl", address(public_url, FALLBACK_PATH, attempt=attempt)),
        ("StatusCallback", address(public_url, STATUS_PATH, attempt=attempt) + REPEATED),
        *(("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")),
        ("Timeout", str(dial.ring_s)),
        ("TimeLimit", str(dial.talk_s)),
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", address(public_url, MACHINE_PATH, attempt=attempt) + REPEATED),
    ]


INVALID_NUMBER_CODES: Final = frozenset({"21211", "21217", "13224"})
"""Twilio's codes for a number that cannot be called: invalid `To`, not valid, not supported or not existing."""

CALLER_CODES: Final = frozenset({"21210", "21212"})
"""For a number that cannot be shown: `From` not verified, or not valid."""

PERMISSION_CODES: Final = frozenset({"21215", "21219", "573005"})
"""For a number that this account may not call: its country is not permitted, or a trial has not verified it."""

TOO_MANY_REQUESTS: Final = 429
WAIT_S: Final = 5.0
"""Where a 429 does not say how long to wait."""
ACCOUNT_REFUSED: Final = frozenset({401, 403})

NOT_IN_THAT_STATE: Final = "21220"
"""The call cannot be changed that way any more: it has ended, or (for `canceled`) somebody has answered it."""


def placed_call(status: int, body: bytes, retry_after: str | None = None) -> RemoteCall:
    """The answer to a dial. Raises `Rejected`, `NotSent` (429: "never processed") or `Uncertain` (all else)."""
    if status == TOO_MANY_REQUESTS:
        wait_s = number_of(retry_after) or WAIT_S
        raise NotSent("Twilio answers 429: too many requests at once", retry_after_s=wait_s)
    if 400 <= status < 500:
        code, message = error_of(body)
        if code is None:
            raise Uncertain(f"HTTP {status} without one of Twilio's error codes")
        raise Rejected(code, message, _objection(status, code))
    if not 200 <= status < 300:
        raise Uncertain(f"HTTP {status}")
    try:
        return remote_call(json_of(body))
    except Malformed as error:
        raise Uncertain(f"HTTP {status}, but {error}") from error


def _objection(status: int, code: str) -> Objection:
    """The code comes first: Twilio's status is not the same for all that one code is used for."""
    if code in INVALID_NUMBER_CODES:
        return Objection.NUMBER
    if code in CALLER_CODES:
        return Objection.CALLER
    if code in PERMISSION_CODES:
        return Objection.PERMISSION
    return Objection.ACCOUNT if status in ACCOUNT_REFUSED else Objection.REQUEST


def error_of(body: bytes) -> tuple[str | None, str]:
    """Twilio's error code and sentence; the code is None when the body is not one of Twilio's errors."""
    try:
        answer = json_of(body)
    except Malformed:
        return None, ""
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), int | str):
        return None, ""
    return str(answer["code"])[:16], str(answer.get("message") or "")[:500]


def remote_call(answer: object) -> RemoteCall:
    """One call as the REST API tells it. Raises `Malformed`."""
    if not isinstance(answer, dict):
        raise Malformed("the call is not a JSON object")
    text = {key: value for key, value in answer.items() if isinstance(value, str)}
    return RemoteCall(
        ref=sid_of(text.get("sid")),
        status=status_of(text.get("status")),
        to=text.get("to", ""),
        caller=text.get("from", ""),
        created_at=instant_of(text.get("date_created")),
        answered_by=text.get("answered_by") or None,
        direction=text.get("direction") or None,
    )


def listed_calls(body: bytes) -> tuple[list[RemoteCall], str | None]:
    """One page of `GET .../Calls.json` and the address of the next one. Raises `Malformed`."""
    answer = json_of(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("calls"), list):
        raise Malformed("the list of calls is not there")
    next_page = answer.get("next_page_uri")
    return [remote_call(call) for call in answer["calls"]], next_page if isinstance(next_page, str) else None


def listed_numbers(body: bytes) -> frozenset[str]:
    """The numbers on a page of `IncomingPhoneNumbers.json` or `OutgoingCallerIds.json`; none if it is neither."""
    try:
        answer = json_of(body)
    except Malformed:
        return frozenset()
    lists = answer.values() if isinstance(answer, dict) else ()
    entries = [entry for found in lists if isinstance(found, list) for entry in found if isinstance(entry, dict)]
    return frozenset(number for entry in entries if isinstance(number := entry.get("phone_number"), str))


CLOCKS_APART: Final = timedelta(seconds=5)
QUEUED_AT_MOST: Final = timedelta(minutes=10)


def the_call_of(dial: Dial, since: datetime, taken: frozenset[str], listed: Iterable[RemoteCall]) -> Lookup:
    """Which of the listed calls is the one that a dial at `since` (aware UTC) made.

    Twilio keeps no id of ours with a call, so it is the only outbound one between the two numbers that was created
    about then and belongs to no other attempt; with several candidates nobody can tell.
    """
    matching = [
        call
        for call in listed
        if call.ref not in taken
        and (call.to, call.caller, call.direction) == (dial.to, dial.caller, "outbound-api")
        and (call.created_at is None or -CLOCKS_APART <= call.created_at - since <= QUEUED_AT_MOST)
    ]
    match matching:
        case []:
            return Absent()
        case [call] if call.created_at is not None:
            return Found(call)
        case _:
            return Unknown(f"{len(matching)} calls may be this one")
