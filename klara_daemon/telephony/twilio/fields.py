"""Single values as Twilio writes them: read where they are readable, refused where nothing can be done without them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from klara_daemon.telephony.provider import CallStatus


class Malformed(ValueError):
    """What arrived is not what Twilio sends; the text says in which way, without repeating it."""


def fields_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, blank ones too. Raises `Malformed`."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise Malformed("the body is not a form") from error


def form_of(body: bytes) -> list[tuple[str, str]]:
    """The same; raises `Malformed` also for a NUL, which no database keeps."""
    fields = fields_of(body)
    if any("\0" in value for _, value in fields):
        raise Malformed("the form holds a NUL")
    return fields


def sid_of(value: str | None) -> str:
    if not value:
        raise Malformed("the call's SID is missing")
    if len(value) > 64 or not value.isascii() or not value.isalnum():
        raise Malformed("the call's SID is not one")
    return value


def status_of(value: str | None) -> CallStatus:
    if value not in set(CallStatus):
        raise Malformed("the call's status is missing or not a known one")
    return CallStatus(value)


def number_of(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None


def instant_of(value: str | None) -> datetime | None:
    """Twilio's RFC 2822 dates; one without a zone is meant as UTC."""
    try:
        at = parsedate_to_datetime(value or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def json_of(body: bytes) -> object:
    """What a JSON body says. Raises `Malformed`."""
    try:
        answer: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("the body is not JSON") from error
    return answer
