"""The requests to Recruitee: a deadline for each, a pace for each company, and retries for what may be asked twice.

Only the errors of `protocol` come out. A POST or PATCH is sent once: when it ends as `Unavailable` it may have been
carried out, and the caller looks before repeating it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import aiohttp
import stamina

from klara_daemon import __version__, metrics
from klara_daemon.recruitee import answers
from klara_daemon.recruitee.pace import Pace
from klara_daemon.recruitee.protocol import (
    Access,
    Admin,
    Candidate,
    Gone,
    Note,
    Offer,
    Placement,
    Reconnect,
    Refused,
    Unavailable,
    endpoint,
    error_for,
)

T = TypeVar("T")
Listed = TypeVar("Listed", Candidate, Note)

CANDIDATES_A_PAGE = 1000
NOTES_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how much, how often. Times are in seconds.

    `asks` is how often a GET is sent at most, none of them later than `deadline_s`, which is also the deadline of each;
    a Retry-After longer than `longest_wait_s` is left to the caller. `per_second`, `burst` and `at_once` are each
    company's; waiting for a turn has no deadline, it lasts as long as the queue.
    """

    deadline_s: float = 15.0
    connect_s: float = 5.0
    largest_answer: int = 8 * 1024 * 1024
    asks: int = 3
    first_wait_s: float = 0.25
    longest_wait_s: float = 3.0
    per_second: float = 3.0
    burst: int = 10
    at_once: int = 4


DEFAULT_LIMITS = Limits()


class RecruiteeClient:
    """Recruitee's API, for any number of companies. The session belongs to the caller, who also closes it.

    Every method raises Reconnect (401, 403), Gone (404), Refused (the same request will never do) or Unavailable.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._session = session
        self._base_url = base_url
        self._limits = limits
        self._timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_s)
        self._paces: dict[int, Pace] = {}

    async def whoami(self, access: Access) -> Admin:
        """Whom the token acts as. Raises Reconnect for a token of another company."""
        admin = await self._get(access, "admin", answers.parse_admin)
        if admin.company_id != access.company_id:
            raise Reconnect(f"the token belongs to company {admin.company_id}, not to {access.company_id}", status=200)
        return admin

    async def candidate(self, access: Access, candidate_id: int) -> Candidate:
        """One person with all placements; `deleted` where Recruitee still shows a deleted one."""
        candidate = await self._get(access, f"candidates/{candidate_id:d}", answers.parse_candidate)
        return _the_one(candidate, candidate.id, candidate_id)

    async def offer(self, access: Access, offer_id: int) -> Offer:
        """One job; its stages from the pipeline template where they do not come with it, none where that has gone."""
        offer = await self._get(access, f"offers/{offer_id:d}", answers.parse_offer)
        template_id = _the_one(offer, offer.id, offer_id).pipeline_template_id
        if offer.stages or template_id is None:
            return offer
        try:
            stages = await self._get(access, f"pipeline_templates/{template_id:d}", answers.parse_pipeline_template)
        except Gone:
            return offer
        return replace(offer, stages=stages)

    async def placements_in_stage(self, access: Access, offer_id: int, stage_id: int) -> tuple[Placement, ...]:
        """Who stands in a stage of an offer, the disqualified among them. Raises Gone where there is no such stage.

        Whether this list is paged is unknown: when it is short, everybody in the offer is read.
        """
        parse = partial(answers.parse_stage_placements, offer_id=offer_id, stage_id=stage_id)
        found = await self._get(access, f"offers/{offer_id:d}/placements", parse, stage_id=stage_id)
        if found is None:
            offer = await self.offer(access, offer_id)
            if stage_id not in {stage.id for stage in offer.stages}:
                raise Gone(f"offer {offer_id} has no stage {stage_id}")
            return ()
        return found.placements if found.complete else await self._placements_by_candidate(access, offer_id, stage_id)

    async def notes(self, access: Access, candidate_id: int) -> tuple[Note, ...]:
        """All notes under a candidate."""
        pages = self._pages(access, f"candidates/{candidate_id:d}/notes", answers.parse_notes, NOTES_A_PAGE)
        return tuple([note async for note in pages])

    async def add_note(self, access: Access, candidate_id: int, lines: Sequence[str]) -> Note:
        """Writes one public note, a paragraph a line; as HTML where rich text is refused. Not idempotent."""
        path = f"candidates/{candidate_id:d}/notes"
        try:
            raw = await self._ask(access, "POST", path, body=_note_body(body_json=answers.paragraphs(lines)))
        except Refused as refused:
            if refused.status != 422:
                raise
            raw = await self._ask(access, "POST", path, body=_note_body(body=answers.html_body(lines)))
        note = answers.parse_note(raw)
        if note.candidate_id not in {None, candidate_id}:
            raise Refused(f"the note for candidate {candidate_id} went to {note.candidate_id}", status=200)
        return note

    async def change_stage(self, access: Access, placement_id: int, stage_id: int) -> Placement:
        """Moves a placement, without the stage's automated actions. Look first: Recruitee has no lock.

        Raises Refused where the answer does not show the placement in the stage.
        """
        path = f"placements/{placement_id:d}/change_stage"
        try:
            raw = await self._ask(access, "PATCH", path, body={"stage_id": stage_id})
        except Refused:
            raw = await self._ask(access, "PATCH", path, body={"placement": {"stage_id": stage_id}})
        placement = answers.parse_placement(raw)
        if (placement.id, placement.stage_id) != (placement_id, stage_id):
            raise Refused(f"placement {placement_id} was not moved to stage {stage_id}", status=200)
        return placement

    async def _placements_by_candidate(self, access: Access, offer_id: int, stage_id: int) -> tuple[Placement, ...]:
        """A filter that Recruitee does not know lists everybody: each placement is held against the question."""
        pages = self._pages(access, "candidates", answers.parse_candidates, CANDIDATES_A_PAGE, offer_id=offer_id)
        found = [placement async for candidate in pages for placement in candidate.placements]
        return tuple(one for one in found if (one.offer_id, one.stage_id) == (offer_id, stage_id))

    async def _pages(
        self, access: Access, path: str, parse: Callable[[bytes], tuple[Listed, ...]], limit: int, **params: int
    ) -> AsyncIterator[Listed]:
        """Everything, page by page, until a page brings nothing new: a limit or an offset may be ignored."""
        seen, offset = set[int](), 0
        while True:
            page = await self._get(access, path, parse, **params, limit=limit, offset=offset)
            fresh = {item.id: item for item in page if item.id not in seen}
            if not fresh:
                return
            for item in fresh.values():
                yield item
            seen.update(fresh)
            offset += len(page)

    async def _get(self, access: Access, path: str, parse: Callable[[bytes], T], **params: int) -> T:
        asks = stamina.retry_context(
            on=self._ask_again,
            attempts=self._limits.asks,
            timeout=self._limits.deadline_s,
            wait_initial=self._limits.first_wait_s,
            wait_max=self._limits.longest_wait_s,
            wait_jitter=self._limits.first_wait_s,
        )
        async for ask in asks:
            with ask:
                return parse(await self._ask(access, "GET", path, params=params))
        raise AssertionError("the last error is raised by the loop")

    def _ask_again(self, error: Exception) -> bool | float:
        if not isinstance(error, Unavailable):
            return False
        if error.retry_after_s is None:
            return True
        too_long = error.retry_after_s > self._limits.longest_wait_s
        return False if too_long else max(error.retry_after_s, self._limits.first_wait_s)

    async def _ask(
        self,
        access: Access,
        method: str,
        path: str,
        *,
        params: Mapping[str, int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        """One request, sent once; the body of its answer."""
        url, headers = endpoint(self._base_url, access.company_id, path), _headers(access)
        status: int | None = None
        async with self._pace(access.company_id).turn():
            try:
                async with asyncio.timeout(self._limits.deadline_s):
                    request = self._session.request(
                        method,
                        url,
                        headers=headers,
                        params=params,
                        json=body,
                        timeout=self._timeout,
                        allow_redirects=False,
                    )
                    async with request as response:
                        status = response.status
                        answer = await self._read(response)
            except (aiohttp.ClientError, OSError) as error:
                # without its cause: aiohttp's errors carry the request's headers, and with them the token
                raise Unavailable(f"no answer from Recruitee: {type(error).__name__}") from None
            finally:
                metrics.RECRUITEE_REQUESTS.labels(metrics.status_class(status)).inc()
        if not 200 <= response.status < 300:
            raise error_for(response.status, response.headers, answer)
        return answer

    def _pace(self, company_id: int) -> Pace:
        if company_id not in self._paces:
            self._paces[company_id] = Pace(self._limits.per_second, self._limits.burst, self._limits.at_once)
        return self._paces[company_id]

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        answer = bytearray()
        async for part in response.content.iter_any():
            answer += part
            if len(answer) > self._limits.largest_answer:
                raise Unavailable("Recruitee's answer is too large", status=response.status)
        return bytes(answer)


def _headers(access: Access) -> dict[str, str]:
    if not re.fullmatch(r"[\x21-\x7e]+", access.token):
        raise Reconnect("the stored token is not one word of plain characters")
    return {
        "Authorization": f"Bearer {access.token}",
        "Accept": "application/json",
        "User-Agent": f"klara-daemon/{__version__}",
    }


def _note_body(**body: object) -> dict[str, object]:
    return {"note": {**body, "visibility": {"level": "public"}}}


def _the_one(found: T, found_id: int, asked_id: int) -> T:
    if found_id != asked_id:
        raise Unavailable(f"Recruitee answered with {found_id} where {asked_id} was asked for", status=200)
    return found
