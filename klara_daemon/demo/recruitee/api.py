"""The small Recruitee's API: the addresses that Klara asks, and what there is documented to go against expectation."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from klara_daemon.demo.recruitee import shapes
from klara_daemon.demo.recruitee.accounts import Accounts, Candidate, Company, Move, Offer, Placement
from klara_daemon.demo.recruitee.shapes import Json

Item = TypeVar("Item")

COMPANY = web.RequestKey("company", Company)


@dataclass(slots=True)
class Habits:
    """What nobody knows for sure of the real one, so that both ways can be tried."""

    moves_nested: bool = False
    """`change_stage` wants its stage inside of `placement`."""
    takes_rich_notes: bool = True
    shows_deleted: bool = False
    """A deleted candidate is answered with `deleted_at` instead of 404."""
    placements_listed: int | None = None
    """How many of a stage's placements are listed at most, however many there are."""
    lists_empty_stages: bool = True
    candidates_a_page: int = 1000
    ignores_offset: bool = False
    moves: bool = True
    """Off: a move is answered with 200 and not made."""


class Api:
    """The handlers. `moved` is told of each move that the API makes."""

    def __init__(self, accounts: Accounts, habits: Habits, moved: Callable[[Move], None]) -> None:
        self._accounts = accounts
        self._habits = habits
        self._moved = moved

    def routes(self) -> list[web.RouteDef]:
        """Every address below `/c/{company}`."""
        return [
            web.get("/c/{company}/admin", self.admin),
            web.get("/c/{company}/candidates", self.candidates),
            web.get("/c/{company}/candidates/{candidate}", self.candidate),
            web.get("/c/{company}/candidates/{candidate}/notes", self.notes),
            web.post("/c/{company}/candidates/{candidate}/notes", self.add_note),
            web.get("/c/{company}/offers", self.offers),
            web.get("/c/{company}/offers/{offer}", self.offer),
            web.get("/c/{company}/offers/{offer}/placements", self.placements),
            web.get("/c/{company}/pipeline_templates/{template}", self.pipeline_template),
            web.patch("/c/{company}/placements/{placement}/change_stage", self.change_stage),
        ]

    async def admin(self, request: web.Request) -> web.Response:
        """Whoami."""
        return web.json_response({"admin": shapes.admin(request[COMPANY])})

    async def candidates(self, request: web.Request) -> web.Response:
        """The candidates. Filters that it does not know, a stage among them, are ignored."""
        company, query = request[COMPANY], request.query
        found = [person for person in company.candidates.values() if person.deleted_at is None]
        if "offer_id" in query:
            asked = _number(query["offer_id"])
            found = [person for person in found if any(held.offer_id == asked for held in person.placements)]
        offset = None if self._habits.ignores_offset else query.get("offset")
        page = _page(found, query.get("limit"), offset, self._habits.candidates_a_page)
        held = [placement for person in page for placement in person.placements]
        body = {
            "candidates": [shapes.candidate(person) for person in page],
            "references": shapes.references(company, held),
        }
        return web.json_response(body | {"generated_at": shapes.timestamp(self._accounts.now())})

    async def candidate(self, request: web.Request) -> web.Response:
        """One candidate."""
        company, person = request[COMPANY], self._candidate(request)
        references = shapes.references(company, person.placements)
        return web.json_response({"candidate": shapes.candidate_in_full(person), "references": references})

    async def notes(self, request: web.Request) -> web.Response:
        """The notes of a candidate, the newest first."""
        newest_first = self._candidate(request).notes[::-1]
        page = _page(newest_first, request.query.get("limit"), request.query.get("offset"), 60)
        body = {"notes": [shapes.note(note) for note in page], "references": shapes.references(request[COMPANY], [])}
        return web.json_response(body)

    async def add_note(self, request: web.Request) -> web.Response:
        """Writes a note; the same one twice when it is asked twice."""
        person, sent = self._candidate(request), (await _body(request)).get("note")
        paragraphs = _paragraphs(sent if isinstance(sent, dict) else {}, rich=self._habits.takes_rich_notes)
        if not any(paragraphs):
            return _invalid("body", "can't be blank")
        note = shapes.note(self._accounts.add_note(person.id, paragraphs))
        return web.json_response({"note": note, "references": shapes.references(request[COMPANY], [])}, status=201)

    async def offers(self, request: web.Request) -> web.Response:
        """The jobs, without their pipelines."""
        offers = list(request[COMPANY].offers.values())
        page = _page(offers, request.query.get("limit"), request.query.get("offset"), 1000)
        keys = {"id", "title", "kind", "status", "slug", "lang_code"}
        brief = [{key: value for key, value in shapes.offer_in_full(offer).items() if key in keys} for offer in page]
        return web.json_response({"offers": brief, "meta": {"page": 1, "limit": 1000, "total_count": len(offers)}})

    async def offer(self, request: web.Request) -> web.Response:
        """One job."""
        return web.json_response({"offer": shapes.offer_in_full(self._offer(request))})

    async def placements(self, request: web.Request) -> web.Response:
        """Everybody in a job, by stage; of one stage where it is asked for."""
        company, offer = request[COMPANY], self._offer(request)
        asked = request.query.get("stage_id")
        columns = [column for column in offer.stages if asked is None or column.id == _number(asked)]
        groups = []
        for column in columns:
            there = [
                shapes.grouped_placement(held, person)
                for person in company.candidates.values()
                for held in person.placements
                if person.deleted_at is None and (held.offer_id, held.stage_id) == (offer.id, column.id)
            ]
            listed = there[: self._habits.placements_listed]
            if there or self._habits.lists_empty_stages:
                groups.append(shapes.stage(column) | {"placements_count": len(there), "placements": listed})
        return web.json_response({"stages": groups})

    async def pipeline_template(self, request: web.Request) -> web.Response:
        """One pipeline template."""
        asked = _number(request.match_info["template"])
        for offer in request[COMPANY].offers.values():
            if offer.template_id == asked and offer.template != "gone":
                return web.json_response({"pipeline_template": shapes.template(offer)})
        raise _not_found()

    async def change_stage(self, request: web.Request) -> web.Response:
        """Moves a placement, wherever it stands: there is no lock."""
        company, sent = request[COMPANY], await _body(request)
        placement = self._placement(request)
        inner = sent.get("placement") if self._habits.moves_nested else sent
        stage_id = inner.get("stage_id") if isinstance(inner, dict) else None
        if not isinstance(stage_id, int):
            return _invalid("stage_id", "can't be blank")
        if stage_id not in {column.id for column in company.offers[placement.offer_id].stages}:
            return _invalid("stage_id", "is invalid")
        if stage_id != placement.stage_id and self._habits.moves:
            self._moved(self._accounts.change_stage(placement, stage_id, by="api"))
        references = shapes.references(company, [placement])
        return web.json_response({"placement": shapes.placement(placement), "references": references})

    def _candidate(self, request: web.Request) -> Candidate:
        person = request[COMPANY].candidates.get(_number(request.match_info["candidate"]))
        if person is None or (person.deleted_at and not self._habits.shows_deleted):
            raise _not_found()
        return person

    def _offer(self, request: web.Request) -> Offer:
        offer = request[COMPANY].offers.get(_number(request.match_info["offer"]))
        if offer is None:
            raise _not_found()
        return offer

    def _placement(self, request: web.Request) -> Placement:
        asked = _number(request.match_info["placement"])
        for person in request[COMPANY].candidates.values():
            for placement in person.placements:
                if placement.id == asked and person.deleted_at is None:
                    return placement
        raise _not_found()


def company_of(accounts: Accounts, request: web.Request) -> Company | web.Response:
    """Whose token this is, if it opens the company in the path; else the recorded refusal."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        body: Json = {"error": "Resource access requires authentication!", "error_code": None}
        return web.json_response(body, status=401, headers={"WWW-Authenticate": 'Bearer realm="recruitee"'})
    owners = [company for company in accounts.companies.values() if company.token == token]
    if not owners:
        challenge = 'Bearer realm="recruitee", error="invalid_token", error_description="Token not found."'
        body = {"error": "Token not found.", "error_code": "invalid_token"}
        return web.json_response(body, status=401, headers={"WWW-Authenticate": challenge})
    asked = _number(request.match_info.get("company", ""))
    for company in owners:
        if company.id == asked:
            return company
    return web.json_response({"error": ["Forbidden"]}, status=403)


def _number(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() else -1


def _page(items: list[Item], limit: str | None, offset: str | None, most: int) -> list[Item]:
    start = max(0, _number(offset or "0"))
    return items[start : start + min(most, _number(limit or "100"))]


async def _body(request: web.Request) -> Json:
    try:
        sent = await request.json()
    except json.JSONDecodeError:
        sent = None
    return sent if isinstance(sent, dict) else {}


def _paragraphs(note: Json, *, rich: bool) -> list[str]:
    """What a note says: its paragraphs of rich text, or its HTML, in which a line end is nothing."""
    match note:
        case {"body_json": {"doc": {"type": "doc", "content": [*nodes]}}} if rich:
            return ["".join(_texts(node)) for node in nodes]
        case {"body": str(body)}:
            return [html.unescape(re.sub(r"<[^>]+>", "", line)) for line in re.split(r"<br\s*/?>", body)]
        case _:
            return []


def _texts(node: object) -> list[str]:
    match node:
        case {"type": "text", "text": str(words)}:
            return [words]
        case {"content": [*children]}:
            return [words for child in children for words in _texts(child)]
        case _:
            return []


def _invalid(field: str, fault: str) -> web.Response:
    """A refusal as it was recorded."""
    sentence = f"{field.removesuffix('_id').capitalize()} {fault}"
    return web.json_response({"error": [sentence], "error_fields": {field: [fault]}}, status=422)


def _not_found() -> web.HTTPNotFound:
    return web.HTTPNotFound(text='{"error":["Not found"]}', content_type="application/json")
