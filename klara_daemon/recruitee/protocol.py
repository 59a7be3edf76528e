"""Recruitee's wire format, pure: what its answers mean, its webhook signature, its errors by what to do about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    """Time-out, 429, 5xx, HTML, a cut-off or unreadable body: ask again later, after `retry_after_s` where it is given."""

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
    """A person in one offer, as Recruitee tells it."""

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


@dataclass(frozen=True, slots=True)
class Note:
    """A note under a candidate: its id and its text, whatever markup it came in."""

    id: int
    text: str


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
