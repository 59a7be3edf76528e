"""The other ends of the wire: the small telephone network and the small Recruitee, noting what they are asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from aiohttp import web

from klara_daemon.demo.recruitee.faults import Handler
from klara_daemon.demo.recruitee.server import SmallRecruitee
from klara_daemon.demo.telephone.api import TelephoneApi
from klara_daemon.demo.telephone.records import CallRecord
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.telephony.provider import Dial, RemoteCall
from klara_daemon.telephony.twilio.client import TwilioClient
from tests.actors.scene import ACCOUNT, AUTH_TOKEN, FOR_EVER_S
from tests.machine.jobs import NUMBERS

Watching = Callable[[str, str, str], Awaitable[None]]
STANDSTILL = 1000.0


class NotingNetwork(TelephoneNetwork):
    """Calls stand still until the machine moves them; nobody is told of anything but by the machine.

    `watching` is told of each dial (attempt, number, caller) before anything becomes of it.
    """

    def __init__(self) -> None:
        super().__init__(account_sid=ACCOUNT, auth_token=AUTH_TOKEN, pace=STANDSTILL)
        self._api = _NotingApi(self)
        self.dial_faults = self._api.dial_faults
        self.question_faults = self._api.question_faults
        self.queued_s = FOR_EVER_S
        self.callback_faults.lost = frozenset(
            ("queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
        )
        self.watching: Watching | None = None

    def end(self, call: CallRecord) -> None:
        """The call is over, as its record says: nobody can end it any more."""
        entry = self._live.get(call.sid)
        if entry is not None:
            entry[1].cancel()

    async def let_klara_hang_up(self) -> None:
        """The calls that Klara has ended are over."""
        tasks = [task for live, task in self._live.values() if live._ended_by_klara.is_set()]
        for task in tasks:
            await task


class _NotingApi(TelephoneApi):
    async def _dial(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        network = self._board
        assert isinstance(network, NotingNetwork)
        if network.watching is not None:
            attempt_id = form.get("Url", "").rpartition("attempt=")[2]
            await network.watching(attempt_id, form.get("To", ""), form.get("From", ""))
        return await super()._dial(request)


class Killed(Exception):
    """The process that dialled is gone: nobody hears what became of its request."""


class MortalProvider(TwilioClient):
    """The way to the phone company of a process that may be killed before the request goes out, or after."""

    dies: str | None = None

    async def dial(self, dial: Dial) -> RemoteCall:
        """As ever, unless it dies."""
        dies, self.dies = self.dies, None
        if dies == "before":
            raise Killed
        call = await super().dial(dial)
        if dies == "after":
            raise Killed
        return call


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate as Recruitee last showed them: where they could be called, at which numbers, and when that was."""

    callable_at: frozenset[tuple[int, int]]
    numbers: frozenset[str]
    at_s: float


class NotingRecruitee(SmallRecruitee):
    """Remembers as what it last showed each candidate and each job."""

    def __init__(self, now: Callable[[], datetime], zone: tzinfo) -> None:
        super().__init__(now, zone)
        self.seconds: Callable[[], float] = lambda: 0.0
        self.shown: dict[int, Seen] = {}
        """By candidate: the (placement, stage) at which they could be called."""
        self.jobs_shown: dict[int, tuple[bool, float]] = {}
        """By job: whether it was open, and when."""

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        async def note(request: web.Request) -> web.StreamResponse:
            answer = await handler(request)
            self._note(request)
            return answer

        return await super()._answer(request, note)

    def _note(self, request: web.Request) -> None:
        resource = request.match_info.route.resource
        match (request.method, resource.canonical if resource else ""):
            case "GET", "/c/{company}/candidates/{candidate}":
                candidate_id = int(request.match_info["candidate"])
                numbers = frozenset(NUMBERS) & set(self.candidate(candidate_id).phones)
                self.shown[candidate_id] = Seen(self.callable_at(candidate_id), numbers, self.seconds())
            case "GET", "/c/{company}/offers/{offer}":
                offer_id = int(request.match_info["offer"])
                self.jobs_shown[offer_id] = (self.is_open(offer_id), self.seconds())
            case _:
                pass

    def callable_at(self, candidate_id: int) -> frozenset[tuple[int, int]]:
        """Where this person stands, qualified and hired nowhere, as it really is."""
        person = self.candidate(candidate_id)
        if person.deleted_at is not None or any(placement.hired_at for placement in person.placements):
            return frozenset()
        return frozenset((one.id, one.stage_id) for one in person.placements if one.disqualified_at is None)

    def is_open(self, offer_id: int) -> bool:
        """Whether this job is neither closed nor archived, as it really is."""
        offers = [offer for company in self.companies.values() for offer in company.offers.values()]
        return next(offer for offer in offers if offer.id == offer_id).status not in ("closed", "archived")
