"""The JSON that Recruitee answers with, after recorded answers and webhooks."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime

from klara_daemon.demo.recruitee.accounts import Candidate, Company, Note, Offer, Placement, Stage

Json = dict[str, object]

ADMIN_ID = 316045


def timestamp(at: datetime | None) -> str | None:
    """UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


def admin(company: Company) -> Json:
    """The team member to whom the token belongs."""
    return {
        "id": ADMIN_ID,
        "company_id": company.id,
        "first_name": "Klara",
        "last_name": "Bot",
        "email": "klara@example.com",
        "role_name": "Admin",
        "membership": {"id": 1},
    }


def candidate(person: Candidate) -> Json:
    """A candidate as in a list; `updated_at` does not follow the placements."""
    return {
        "id": person.id,
        "name": person.name,
        "emails": [f"candidate-{person.id}@example.com"],
        "phones": person.phones,
        "source": "career_site",
        "referrer": None,
        "admin_id": None,
        "example": False,
        "placements": [placement(found) for found in person.placements],
        "notes_count": len(person.notes),
        "tasks_count": 0,
        "upcoming_event": False,
        "viewed": True,
        "rating": 0,
        "ratings": {},
        "created_at": timestamp(person.created_at),
        "updated_at": timestamp(person.created_at),
    }


def candidate_in_full(person: Candidate) -> Json:
    """A candidate as at the candidate's own address."""
    more: Json = {
        "cover_letter": None,
        "links": [],
        "social_links": [],
        "sources": ["career_site"],
        "tags": [],
        "fields": [],
        "open_question_answers": [],
        "grouped_open_question_answers": [],
        "is_anonymous": False,
        "gdpr_status": "no_consent",
    }
    gone: Json = {"deleted_at": timestamp(person.deleted_at)} if person.deleted_at else {}
    return candidate(person) | more | gone


def placement(found: Placement) -> Json:
    """A placement; the keys of a disqualification are absent from a qualified one."""
    shape: Json = {
        "id": found.id,
        "candidate_id": found.candidate_id,
        "offer_id": found.offer_id,
        "stage_id": found.stage_id,
        "position": 1,
        "language": found.language,
        "hired_at": timestamp(found.hired_at),
        "hired_by_id": ADMIN_ID if found.hired_at else None,
        "hired_in_this_placement": False,
        "hired_in_other_placement": False,
        "job_starts_at": None,
        "overdue_at": None,
        "ratings": {},
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.updated_at),
    }
    if found.disqualified_at:
        shape |= {"disqualify_kind": "admin", "disqualify_reason": found.disqualify_reason}
    return shape


def grouped_placement(found: Placement, person: Candidate) -> Json:
    """A placement as below its stage: it names neither its offer nor its stage."""
    return {
        "id": found.id,
        "candidate_id": person.id,
        "candidate": {"id": person.id, "name": person.name},
        "disqualified_at": timestamp(found.disqualified_at),
        "disqualify_reason": found.disqualify_reason,
        "hired_at": timestamp(found.hired_at),
        "ratings": {},
        "created_at": timestamp(found.created_at),
    }


def stage(column: Stage) -> Json:
    """A stage as in a template or a group."""
    return {
        "id": column.id,
        "name": column.name,
        "category": column.category,
        "group": None,
        "position": column.position,
        "locked": column.category == "apply",
        "time_limit": None,
        "placements_count": None,
        "fair_evaluations_enabled": False,
        "action_templates": [],
    }


def template(offer: Offer) -> Json:
    """A pipeline template. Its stages stand in no order that means anything."""
    return {
        "id": offer.template_id,
        "title": "Standard",
        "category": None,
        "custom": False,
        "default": True,
        "position": 0,
        "stages": [stage(column) for column in reversed(offer.stages)],
    }


def offer_in_full(offer: Offer) -> Json:
    """A job, with its template only where it is kept inline."""
    shape: Json = {
        "id": offer.id,
        "title": offer.title,
        "kind": "job",
        "status": offer.status,
        "slug": f"job-{offer.id}",
        "lang_code": offer.language,
        "pipeline_template_id": offer.template_id,
    }
    return shape | ({"pipeline_template": template(offer)} if offer.template == "inline" else {})


def note(written: Note) -> Json:
    """A note, in both of its wordings."""
    return {
        "id": written.id,
        "candidate_id": written.candidate_id,
        "body": "\n".join(written.paragraphs),
        "body_html": "".join(f"<p>{html.escape(line)}</p>" for line in written.paragraphs),
        "admin_id": ADMIN_ID,
        "visibility": {"level": "public", "admin_ids": [], "role_ids": []},
        "pinned_at": None,
        "created_at": timestamp(written.created_at),
        "updated_at": timestamp(written.created_at),
        "replies": [],
    }


def references(company: Company, placements: Iterable[Placement]) -> list[Json]:
    """The sidecar that names what the ids in an answer mean. Ids are unique only within a type."""
    found: dict[tuple[str, int], Json] = {("Admin", ADMIN_ID): {"type": "Admin"} | admin(company)}
    for member in placements:
        offer = company.offers[member.offer_id]
        found["Offer", offer.id] = {"type": "Offer", "id": offer.id, "title": offer.title, "status": offer.status}
        found["Stage", member.stage_id] = {"type": "Stage"} | stage(offer.stage(member.stage_id))
    return list(found.values())


def webhook(
    company: Company, person: Candidate, offer: Offer, *, subtype: str, details: Json, webhook_id: int, at: datetime
) -> Json:
    """A `candidate_moved`: neither the placement nor who moved it stands in it."""
    return {
        "id": webhook_id,
        "event_type": "candidate_moved",
        "event_subtype": subtype,
        "attempt_count": 1,
        "created_at": timestamp(at),
        "payload": {
            "company": {"id": company.id, "name": company.name},
            "candidate": {
                key: value
                for key, value in candidate(person).items()
                if key in {"id", "name", "emails", "phones", "source", "referrer", "created_at", "updated_at"}
            },
            "offer": {
                "id": offer.id,
                "title": offer.title,
                "kind": "job",
                "slug": f"job-{offer.id}",
                "department": None,
                "tags": [],
            },
            "details": details,
        },
    }


def stage_in_webhook(column: Stage) -> Json:
    """A stage as the details of a webhook name it."""
    return {"id": column.id, "name": column.name, "category": column.category}
