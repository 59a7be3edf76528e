"""What Recruitee's answers mean, and how a note is worded for it.

Unknown parts are ignored. An answer that lacks what it must have is `Unavailable`: better to ask again than to take a
candidate for gone because a key was renamed. Sources: recorded answers, and what clients in use read out of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from klara_daemon.recruitee.json_values import identifier, member, members, number, read_json, text
from klara_daemon.recruitee.protocol import Admin, Candidate, Note, Offer, Placement, Stage, Unavailable

NOTE_LIMIT = 8000
"""Characters of a note (the vendor's limit is not documented)."""


@dataclass(frozen=True, slots=True)
class StagePlacements:
    """Who stands in one stage. Not `complete`: Recruitee counted more than it listed, or did not count."""

    placements: tuple[Placement, ...]
    complete: bool


def parse_admin(raw: bytes) -> Admin:
    """`GET /admin`."""
    admin = member(_document(raw), "admin")
    name = f"{text(member(admin, 'first_name')) or ''} {text(member(admin, 'last_name')) or ''}".strip()
    return Admin(_id(admin, "id", of="admin"), _id(admin, "company_id", of="admin"), name)


def parse_candidate(raw: bytes) -> Candidate:
    """`GET /candidates/{id}`."""
    document = _document(raw)
    return _candidate(member(document, "candidate"), _hire_stages(document))


def parse_candidates(raw: bytes) -> tuple[Candidate, ...]:
    """One page of `GET /candidates`."""
    document = _document(raw)
    hire_stages = _hire_stages(document)
    return tuple(_candidate(item, hire_stages) for item in _list(document, "candidates"))


def parse_placement(raw: bytes) -> Placement:
    """The answer to `change_stage`."""
    document = _document(raw)
    return _placement(member(document, "placement"), _hire_stages(document))


def parse_stage_placements(raw: bytes, offer_id: int, stage_id: int) -> StagePlacements | None:
    """One stage out of `GET /offers/{id}/placements`; None where the stage is not among the groups."""
    for group in _list(_document(raw), "stages"):
        if identifier(member(group, "id")) == stage_id:
            break
    else:
        return None
    listed, count = _list(group, "placements"), number(member(group, "placements_count"))
    hire_stages = {stage_id} if member(group, "category") == "hire" else set[int]()
    placements = [
        _placement({"offer_id": offer_id, "stage_id": stage_id} | _object(item), hire_stages) for item in listed
    ]
    there = tuple(found for found in placements if (found.offer_id, found.stage_id) == (offer_id, stage_id))
    return StagePlacements(there, complete=count is not None and len(listed) >= count)


def parse_offer(raw: bytes) -> Offer:
    """`GET /offers/{id}`. Without stages where the answer holds no template."""
    offer = member(_document(raw), "offer")
    template = member(offer, "pipeline_template")
    return Offer(
        id=_id(offer, "id", of="offer"),
        title=text(member(offer, "title")) or "",
        status=text(member(offer, "status")) or "",
        language=text(member(offer, "lang_code")) or None,
        stages=_stages(template) if members(member(template, "stages")) else (),
        pipeline_template_id=identifier(member(offer, "pipeline_template_id")) or identifier(member(template, "id")),
    )


def parse_pipeline_template(raw: bytes) -> tuple[Stage, ...]:
    """`GET /pipeline_templates/{id}`: its stages by position."""
    return _stages(member(_document(raw), "pipeline_template"))


def parse_notes(raw: bytes) -> tuple[Note, ...]:
    """One page of `GET /candidates/{id}/notes`."""
    return tuple(_note(item) for item in _list(_document(raw), "notes"))


def parse_note(raw: bytes) -> Note:
    """The answer to `POST /candidates/{id}/notes`."""
    return _note(member(_document(raw), "note"))


def paragraphs(lines: Sequence[str]) -> dict[str, object]:
    """A note's `body_json`: one paragraph a line. Lines that do not fit are cut, never the last one."""
    return {"doc": {"type": "doc", "content": [_paragraph(line) for line in _fitting(lines)]}}


def html_body(lines: Sequence[str]) -> str:
    """The same as `body`: escaped text with `<br>`."""
    return "<br>".join(html.escape(line) for line in _fitting(lines))


def _paragraph(line: str) -> dict[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": line}]} if line else {"type": "paragraph"}


def _fitting(lines: Sequence[str]) -> list[str]:
    """The last line bears the mark by which the note is found again, so what is too long is cut before it."""
    *body, last = [part.replace("\x00", "") for line in lines for part in line.splitlines() or [""]] or [""]
    room, fitting = NOTE_LIMIT - len(last), list[str]()
    for line in body:
        if len(line) + 1 > room:
            return [*fitting, line[: max(0, room - 2)] + "…", last]
        fitting.append(line)
        room -= len(line) + 1
    return [*fitting, last]


def _document(raw: bytes) -> object:
    try:
        return read_json(raw)
    except ValueError:
        raise Unavailable("Recruitee's answer is not JSON, or was cut off") from None


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Unavailable("Recruitee's answer holds something else where an object should be")
    return value


def _id(value: object, key: str, *, of: str) -> int:
    found = identifier(member(value, key))
    if found is None:
        raise Unavailable(f"Recruitee's answer lacks {of}.{key}")
    return found


def _list(value: object, key: str) -> list[object]:
    found = members(member(value, key))
    if found is None:
        raise Unavailable(f"Recruitee's answer lacks the list {key}")
    return found


def _hire_stages(document: object) -> set[int]:
    """The hired stages among the references. Ids are unique only within a type."""
    return {
        found
        for item in members(member(document, "references")) or []
        if member(item, "type") == "Stage" and member(item, "category") == "hire"
        if (found := identifier(member(item, "id"))) is not None
    }


def _candidate(value: object, hire_stages: set[int]) -> Candidate:
    deleted = member(value, "deleted_at") is not None
    placements = [] if deleted else _list(value, "placements")
    return Candidate(
        id=_id(value, "id", of="candidate"),
        name=text(member(value, "name")) or "",
        phones=tuple(filter(None, map(text, members(member(value, "phones")) or []))),
        placements=tuple(_placement(item, hire_stages) for item in placements),
        deleted=deleted,
    )


def _placement(value: object, hire_stages: set[int]) -> Placement:
    stage_id = identifier(member(value, "stage_id"))
    hired = ("hired_at", "hired_in_this_placement", "hired_in_other_placement")
    disqualified = ("disqualified_at", "disqualify_kind", "disqualify_reason")
    return Placement(
        id=_id(value, "id", of="placement"),
        candidate_id=_id(value, "candidate_id", of="placement"),
        offer_id=_id(value, "offer_id", of="placement"),
        stage_id=stage_id,
        disqualified=any(member(value, key) for key in disqualified),
        hired=stage_id in hire_stages or any(member(value, key) for key in hired),
        language=text(member(value, "language")) or None,
    )


def _stages(template: object) -> tuple[Stage, ...]:
    return tuple(sorted(map(_stage, _list(template, "stages")), key=lambda stage: (stage.position, stage.id)))


def _stage(value: object) -> Stage:
    position = number(member(value, "position"))
    if position is None:
        raise Unavailable("Recruitee's answer lacks stage.position")
    name, category = text(member(value, "name")) or "", text(member(value, "category")) or None
    return Stage(_id(value, "id", of="stage"), name, category, position)


def _note(value: object) -> Note:
    written = text(member(value, "body_html")) or text(member(value, "body"))
    words = _without_markup(written) if written else "\n".join(_words(member(value, "body_json")))
    return Note(_id(value, "id", of="note"), words, identifier(member(value, "candidate_id")))


def _without_markup(written: str) -> str:
    broken = re.sub(r"(?i)<br\s*/?>|</(?:p|div|li)>", "\n", written)
    return html.unescape(re.sub(r"<[/!]?[A-Za-z][^<>]*>", "", broken)).strip()


def _words(node: object) -> Iterator[str]:
    """The texts of a rich document, one for each node that holds one."""
    if found := text(member(node, "text")):
        yield found
    for key in ("doc", "content"):
        inner = member(node, key)
        for child in members(inner) or ([inner] if inner else []):
            yield from _words(child)
