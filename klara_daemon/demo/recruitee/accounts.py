"""The small Recruitee's memory: companies with their offers and candidates, and what can happen to them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(slots=True)
class Stage:
    """One column of a pipeline."""

    id: int
    name: str
    category: str
    position: int


@dataclass(slots=True)
class Offer:
    """A job with its pipeline template: `inline` in the offer itself, only at an address of its `own`, or `gone`."""

    id: int
    title: str
    stages: list[Stage]
    template_id: int
    template: Literal["inline", "own", "gone"] = "inline"
    status: str = "published"
    language: str = "de"

    def stage(self, stage_id: int) -> Stage:
        """The stage with this id. Raises KeyError."""
        return {stage.id: stage for stage in self.stages}[stage_id]


@dataclass(slots=True)
class Placement:
    """A candidate in one offer."""

    id: int
    candidate_id: int
    offer_id: int
    stage_id: int
    created_at: datetime
    updated_at: datetime
    language: str | None = None
    disqualified_at: datetime | None = None
    disqualify_reason: str | None = None
    hired_at: datetime | None = None


@dataclass(slots=True)
class Note:
    """A note under a candidate, by paragraphs."""

    id: int
    candidate_id: int
    paragraphs: list[str]
    created_at: datetime


@dataclass(slots=True)
class Candidate:
    """A person in one company."""

    id: int
    company_id: int
    name: str
    phones: list[str]
    created_at: datetime
    placements: list[Placement] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    deleted_at: datetime | None = None

    def placement(self, offer_id: int) -> Placement:
        """The placement in this offer. Raises KeyError."""
        return {placement.offer_id: placement for placement in self.placements}[offer_id]


@dataclass(slots=True)
class Company:
    """An account: its token, where its webhooks go, and what it holds."""

    id: int
    name: str
    token: str
    webhook_url: str | None
    webhook_secret: str | None
    offers: dict[int, Offer] = field(default_factory=dict)
    candidates: dict[int, Candidate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """One change of stage, by a recruiter or through the API. `revived`: the placement was disqualified before."""

    company_id: int
    candidate_id: int
    offer_id: int
    from_stage_id: int
    to_stage_id: int
    moved_at: datetime
    by: Literal["recruiter", "api"]
    revived: bool = False


class Accounts:
    """All companies. Ids of candidates, placements and notes are unique over all of them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.companies: dict[int, Company] = {}
        self.moves: list[Move] = []
        self._ids = itertools.count(46_044_140)

    def add_company(
        self,
        company_id: int,
        name: str,
        token: str,
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
    ) -> None:
        """Opens an account. Without an address it sends no webhooks, without a secret it does not sign them."""
        self.companies[company_id] = Company(company_id, name, token, webhook_url, webhook_secret)

    def set_webhook(self, company_id: int, url: str | None, secret: str | None) -> None:
        """Sends the company's webhooks there from now on."""
        company = self.companies[company_id]
        company.webhook_url, company.webhook_secret = url, secret

    def add_offer(
        self,
        company_id: int,
        offer_id: int,
        title: str,
        stages: Sequence[tuple[int, str, str]],
        *,
        status: str = "published",
        language: str = "de",
        template: Literal["inline", "own", "gone"] = "inline",
    ) -> Offer:
        """A job. `stages` are (id, name, category) from left to right; `apply`, `interview` and `hire` are known."""
        columns = [
            Stage(stage_id, name, category, position=place or -1)
            for place, (stage_id, name, category) in enumerate(stages)
        ]
        offer = Offer(offer_id, title, columns, next(self._ids), template, status, language)
        self.companies[company_id].offers[offer_id] = offer
        return offer

    def add_candidate(
        self,
        company_id: int,
        name: str,
        phones: Sequence[str],
        offer_id: int,
        stage_id: int,
        *,
        language: str | None = None,
    ) -> int:
        """A person, in a stage without any webhook, as after an import. Returns the candidate's id."""
        candidate = Candidate(next(self._ids), company_id, name, list(phones), self.now())
        self.companies[company_id].candidates[candidate.id] = candidate
        self.add_placement(candidate.id, offer_id, stage_id, language=language)
        return candidate.id

    def add_placement(self, candidate_id: int, offer_id: int, stage_id: int, *, language: str | None = None) -> int:
        """Puts a candidate into one more offer. Returns the placement's id."""
        candidate, now = self.candidate(candidate_id), self.now()
        self.companies[candidate.company_id].offers[offer_id].stage(stage_id)
        placement = Placement(next(self._ids), candidate_id, offer_id, stage_id, now, now, language)
        candidate.placements.append(placement)
        return placement.id

    def add_note(self, candidate_id: int, paragraphs: Sequence[str]) -> Note:
        """A note under a candidate."""
        note = Note(next(self._ids), candidate_id, list(paragraphs), self.now())
        self.candidate(candidate_id).notes.append(note)
        return note

    def edit_offer(self, company_id: int, offer_id: int, *, status: str) -> None:
        """Publishes, closes or archives a job; no webhook tells of it."""
        self.companies[company_id].offers[offer_id].status = status

    def candidate(self, candidate_id: int) -> Candidate:
        """The candidate, also a deleted one. Raises KeyError for one who never was."""
        for company in self.companies.values():
            if candidate_id in company.candidates:
                return company.candidates[candidate_id]
        raise KeyError(candidate_id)

    def notes_of(self, candidate_id: int) -> list[str]:
        """The texts of a candidate's notes, the oldest first, a line for each paragraph."""
        return ["\n".join(note.paragraphs) for note in self.candidate(candidate_id).notes]

    def stage_of(self, candidate_id: int, offer_id: int) -> int:
        """The id of the stage in which the candidate stands."""
        return self.candidate(candidate_id).placement(offer_id).stage_id

    def change_stage(self, placement: Placement, stage_id: int, by: Literal["recruiter", "api"]) -> Move:
        """Moves a placement. Like the real one it brings a disqualified one back to life without a word."""
        company = self.companies[self.candidate(placement.candidate_id).company_id]
        stage, now = company.offers[placement.offer_id].stage(stage_id), self.now()
        move = Move(
            company_id=company.id,
            candidate_id=placement.candidate_id,
            offer_id=placement.offer_id,
            from_stage_id=placement.stage_id,
            to_stage_id=stage_id,
            moved_at=now,
            by=by,
            revived=placement.disqualified_at is not None,
        )
        placement.stage_id, placement.updated_at = stage_id, now
        placement.disqualified_at = placement.disqualify_reason = None
        placement.hired_at = now if stage.category == "hire" else None
        self.moves.append(move)
        return move
