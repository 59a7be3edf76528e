"""Recruitee's wire format, pure: its words, its addresses, its webhooks and their signature, its errors by what to do.

What its answers mean stands in `answers`. Sources: Recruitee's pages "Webhooks" and "Authentication"; for the rest,
which is not documented, recorded answers and clients in use.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from klara_daemon.domain.stays import CLOSED_OFFER
from klara_daemon.recruitee.json_values import identifier, instant, member, members, read_json, text

SIGNATURE_HEADER = "X-Recruitee-Signature"


class RecruiteeError(Exception):
    """Recruitee did not do what was asked. `status` is the HTTP status, None when there was no answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Reconnect(RecruiteeError):
    """401 or 403: the token is revoked or its role too small. The company must be reconnected; calling pauses."""


class Gone(RecruiteeError):
    """404: deleted, or never there."""


class Refused(RecruiteeError):
    """422 or another 4xx: asking again with the same request changes nothing."""


class Unavailable(RecruiteeError):
    """Time-out, 429, 5xx, HTML, a cut-off or unreadable body: ask again later, after `retry_after_s` where given."""

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Access:
    """One company's way in. The token is shown by nothing."""

    company_id: int
    token: str

    def __repr__(self) -> str:
        return f"Access(company_id={self.company_id}, token=...)"


@dataclass(frozen=True, slots=True)
class Admin:
    """The team member whom the token acts as (`GET /admin`)."""

    id: int
    company_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A person in one offer, as Recruitee tells it. `hired` says: in this offer or in another one."""

    id: int
    candidate_id: int
    offer_id: int
    stage_id: int | None
    disqualified: bool
    hired: bool
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person. `phones` are free text as recruiters typed them; `name` is one string, maybe empty."""

    id: int
    name: str
    phones: tuple[str, ...]
    placements: tuple[Placement, ...]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One column of a pipeline. `category` is `apply`, `interview`, `hire`, ... or None."""

    id: int
    name: str
    category: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A job with the stages of its pipeline template, sorted by position (empty when the template has gone)."""

    id: int
    title: str
    status: str
    language: str | None
    stages: tuple[Stage, ...]
    pipeline_template_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether people are still wanted for it: neither closed nor archived."""
        return self.status not in CLOSED_OFFER


@dataclass(frozen=True, slots=True)
class Note:
    """A note under a candidate: its id and its text, whatever markup it came in."""

    id: int
    text: str
    candidate_id: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What is taken from a webhook's body: ids and times only, no personal data; all of it is a hint."""

    webhook_id: str
    event_type: str
    event_subtype: str | None
    created_at: datetime | None
    company_id: int | None
    candidate_id: int | None
    offer_id: int | None
    to_stage_id: int | None


@dataclass(frozen=True, slots=True)
class TestPing:
    """Recruitee tries the address: answer 200, signed or not, and do nothing."""

    __test__ = False  # its name begins like that of a test


class MalformedWebhook(Exception):
    """What was posted is no webhook of Recruitee's; the sentence says why, without a word of its content."""


def endpoint(base_url: str, company_id: int, path: str) -> str:
    """The address of `path` in one company."""
    return f"{base_url.rstrip('/')}/c/{company_id:d}/{path}"


def sign(secret: str, raw: bytes) -> str:
    """The signature of a webhook: HMAC-SHA256 of the raw body in lowercase base16."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def is_signed(secret: str, raw: bytes, header: str | None) -> bool:
    """Whether `header` is the signature of exactly these bytes; compared in constant time, whatever it holds."""
    given = (header or "").strip().lower().encode("utf-8", "replace")
    return bool(secret) and hmac.compare_digest(given, sign(secret, raw).encode())


def parse_webhook(raw: bytes) -> WebhookEvent | TestPing:
    """What a webhook hints at. Parts that an event does not have are None. Raises MalformedWebhook."""
    try:
        body = read_json(raw)
    except ValueError:
        raise MalformedWebhook("the body is not JSON") from None
    if not isinstance(body, dict):
        raise MalformedWebhook("the body is not a JSON object")
    if body.get("test"):
        return TestPing()
    webhook_id, event_type = _word(body.get("id")), _word(body.get("event_type"))
    if webhook_id is None or event_type is None:
        raise MalformedWebhook("the body lacks an id or an event_type")
    payload = body.get("payload")
    return WebhookEvent(
        webhook_id=webhook_id,
        event_type=event_type,
        event_subtype=_word(body.get("event_subtype")),
        created_at=instant(body.get("created_at")),
        company_id=identifier(member(payload, "company", "id")),
        candidate_id=identifier(member(payload, "candidate", "id")),
        offer_id=identifier(member(payload, "offer", "id")),
        to_stage_id=identifier(member(payload, "details", "to_stage", "id")),
    )


def _word(value: object) -> str | None:
    """An id or a slug: one short printable word."""
    found = str(value) if identifier(value) is not None else text(value)
    return found if found and found.isprintable() and len(found) <= 100 else None


def error_for(status: int, headers: Mapping[str, str], body: bytes) -> RecruiteeError:
    """The error for an answer that is no success, by what to do about it.

    An HTML page comes from something in between, whatever its status says: a candidate is not gone because a proxy is.
    """
    said = _said(body)
    message = f"Recruitee answered {status}" + (f": {said}" if said else "")
    if body.lstrip()[:1] == b"<" or status < 400 or status >= 500 or status in {408, 425, 429}:
        return Unavailable(message, status=status, retry_after_s=_retry_after_s(headers))
    if status in {401, 403}:
        return Reconnect(message, status=status)
    if status in {404, 410}:
        return Gone(message, status=status)
    return Refused(message, status=status)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a date that is counted from the answer's own `Date`, so that no clock is asked (RFC 9110, 10.2.3)."""
    given = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", given):
        return min(float(given), 86_400.0)
    try:
        wait = parsedate_to_datetime(given) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, wait.total_seconds()), 86_400.0)


def _said(body: bytes) -> str:
    """What an error's body says, in 160 characters without markup, and without what looks like a person's data."""
    try:
        document = read_json(body)
    except ValueError:
        return ""
    parts = dict.fromkeys(
        part.strip() for key in ("error", "errors", "error_code") for part in _texts(member(document, key))
    )
    plain = re.sub(r"<[^<>]*>", " ", "; ".join(part for part in parts if part)[:1000])
    masked = re.sub(r"""\S+@\S+|\+?\d[\d\s()/.-]{4,}\d|"[^"]*"|„[^“”"]*[“”"]""", "...", plain)
    return " ".join(masked.split())[:160]


def _texts(value: object) -> Iterator[str]:
    """The texts in an error of any of the shapes that were seen: a text, a list of them, objects with a `message`."""
    for part in members(value) or [value]:
        found = text(part) or text(member(part, "message"))
        if found:
            yield found[:1000]
