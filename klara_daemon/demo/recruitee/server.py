"""The small Recruitee itself: what a recruiter does in it, and the server that answers for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from aiohttp import web

from klara_daemon.demo.recruitee import page, shapes
from klara_daemon.demo.recruitee.accounts import Accounts, Candidate, Move
from klara_daemon.demo.recruitee.api import COMPANY, Api, Habits, company_of
from klara_daemon.demo.recruitee.faults import Faults, Handler
from klara_daemon.demo.recruitee.shapes import Json
from klara_daemon.demo.recruitee.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came. `endpoint` is `METHOD` and the path behind the company, ids as names in braces."""

    endpoint: str
    path: str
    user_agent: str


class SmallRecruitee(Accounts):
    """Companies, offers and candidates that one can ask about in Recruitee's words. Needs `start` for its address.

    `faults` makes answers fail, `webhooks` makes webhooks get lost, `habits` chooses where the real one is unknown;
    `moves` and `asked` tell what was done to it.
    """

    def __init__(self, now: Callable[[], datetime], zone: tzinfo = UTC) -> None:
        """`zone` is the one in which the page tells the time."""
        super().__init__(now)
        self._zone = zone
        self.faults = Faults()
        self.webhooks = Webhooks()
        self.habits = Habits()
        self.asked: list[Asked] = []
        self.app = web.Application(middlewares=[self._answer])
        self.app.add_routes([*Api(self, self.habits, self._moved_by_api).routes(), web.get("/", self._page)])
        self.url = ""
        self._webhook_ids = itertools.count(81_192)
        self._sending: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; `url` is then its address."""
        self._runner = web.AppRunner(self.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Ends, with whatever it was about to send."""
        if self._runner is not None:
            await self._runner.cleanup()
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self.webhooks.close()

    async def move(self, company_id: int, candidate_id: int, offer_id: int, stage_id: int) -> None:
        """A recruiter moves a card; returns when the webhook was answered, or given up."""
        placement = self._held(company_id, candidate_id).placement(offer_id)
        await self._tell(self.change_stage(placement, stage_id, by="recruiter"))

    async def disqualify(
        self, company_id: int, candidate_id: int, offer_id: int, reason: str = "Wrong skill set"
    ) -> None:
        """A recruiter rejects somebody: the placement stays in its stage."""
        person = self._held(company_id, candidate_id)
        placement = person.placement(offer_id)
        placement.disqualified_at, placement.disqualify_reason = self.now(), reason
        await self._send(person, offer_id, "disqualified", {"disqualify_reason": {"name": reason}})

    async def requalify(self, company_id: int, candidate_id: int, offer_id: int) -> None:
        """A recruiter takes a rejection back."""
        person = self._held(company_id, candidate_id)
        placement = person.placement(offer_id)
        placement.disqualified_at = placement.disqualify_reason = None
        await self._send(person, offer_id, "requalified", {})

    async def hire(self, company_id: int, candidate_id: int, offer_id: int) -> None:
        """A recruiter moves somebody into the offer's hired stage."""
        stages = self.companies[company_id].offers[offer_id].stages
        hired = next(stage for stage in stages if stage.category == "hire")
        await self.move(company_id, candidate_id, offer_id, hired.id)

    def delete(self, company_id: int, candidate_id: int) -> None:
        """A recruiter, or the clock of data protection, deletes somebody; whether a webhook tells of it is unknown."""
        self._held(company_id, candidate_id).deleted_at = self.now()

    def edit_phones(self, company_id: int, candidate_id: int, phones: Sequence[str]) -> None:
        """A recruiter corrects somebody's numbers; no webhook tells of it."""
        self._held(company_id, candidate_id).phones = list(phones)

    async def settled(self) -> None:
        """Returns when the webhooks of all moves so far were answered, or given up."""
        await asyncio.gather(*self._sending)

    async def ping(self, company_id: int) -> int | None:
        """Recruitee's test of a webhook's address. Returns the status that it was answered with."""
        return await self.webhooks.ping(self.companies[company_id])

    def times_asked(self, endpoint: str) -> int:
        """How often `METHOD /path` was asked, ids in the path as names in braces: `GET /candidates/{candidate}`."""
        return sum(one.endpoint == endpoint for one in self.asked)

    def _held(self, company_id: int, candidate_id: int) -> Candidate:
        return self.companies[company_id].candidates[candidate_id]

    def _moved_by_api(self, move: Move) -> None:
        task = asyncio.create_task(self._tell(move))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _tell(self, move: Move) -> None:
        offer = self.companies[move.company_id].offers[move.offer_id]
        ends = {"from_stage": move.from_stage_id, "to_stage": move.to_stage_id}
        details: Json = {end: shapes.stage_in_webhook(offer.stage(stage_id)) for end, stage_id in ends.items()}
        await self._send(self.candidate(move.candidate_id), move.offer_id, "stage_changed", details)

    async def _send(self, person: Candidate, offer_id: int, subtype: str, details: Json) -> None:
        company = self.companies[person.company_id]
        body = shapes.webhook(
            company,
            person,
            company.offers[offer_id],
            subtype=subtype,
            details=details,
            webhook_id=next(self._webhook_ids),
            at=self.now(),
        )
        await self.webhooks.send(company, body)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Counts, then refuses whom it does not know, then answers or fails."""
        resource = request.match_info.route.resource
        if resource is None or not resource.canonical.startswith("/c/"):
            return await handler(request)
        endpoint = f"{request.method} {resource.canonical.removeprefix('/c/{company}')}"
        self.asked.append(Asked(endpoint, request.path_qs, request.headers.get("User-Agent", "")))
        company = company_of(self, request)
        if isinstance(company, web.Response):
            return company
        request[COMPANY] = company
        return await self.faults.pass_on(request, handler)

    async def _page(self, _: web.Request) -> web.Response:
        text = page.show(self.companies.values(), self.now().astimezone(self._zone))
        return web.Response(text=text, content_type="text/html", headers=page.HEADERS)
