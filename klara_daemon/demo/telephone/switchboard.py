"""The small telephone network's middle: who has which number, which calls there are, and whether they may be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from urllib.parse import parse_qs, urlsplit

from klara_daemon.demo.telephone.call import LiveCall
from klara_daemon.demo.telephone.exchange import CallbackFaults, Exchange
from klara_daemon.demo.telephone.people import Behaviour, NoAnswer, NotInService, PicksUp
from klara_daemon.demo.telephone.records import CallRecord


def now_utc() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Refusal(Exception):
    """The API does not place this call; `code` is one of Twilio's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Switchboard:
    """People, calls and the oracle. `pace` is how long a second of a call takes, in seconds.

    `numbers` are those of the account, each with the address that is asked when somebody rings it; with none given,
    every caller id is accepted. `queued_s` and `listed_after_s` count in seconds of a call: how long a call waits
    before it is dialled, and before it appears in lists.
    """

    exchange: Exchange

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        now: Callable[[], datetime] = now_utc,
        pace: float = 0.01,
        numbers: Mapping[str, str] | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.now = now
        self.pace = pace
        self.numbers = dict(numbers or {})
        self.names: dict[str, str] = {}
        self.calls: list[CallRecord] = []
        self.dials: list[str | None] = []
        """The attempt id of each dial that was asked for, whatever became of it."""
        self.overlaps: list[tuple[CallRecord, CallRecord]] = []
        """Two calls to one number that were live at the same time; must stay empty."""
        self.problems: list[str] = []
        """What Klara did wrong on the wire."""
        self.callback_faults = CallbackFaults()
        self.drop_sockets_after: deque[int] = deque()
        """For one relay session after another: drop its socket after so many texts."""
        self.queued_s = 0.5
        self.listed_after_s = 0.0
        self._people: dict[str, deque[Behaviour]] = {}
        self._live: dict[str, tuple[LiveCall, asyncio.Task[None]]] = {}
        self._listed_at: dict[str, float] = {}

    def person(self, number: str, *behaviours: Behaviour, name: str = "") -> None:
        """Somebody with this number, who takes one call after another as given, and all later ones as the last."""
        self._people[number] = deque(behaviours)
        if name:
            self.names[number] = name

    def calls_to(self, number: str) -> list[CallRecord]:
        """The calls to one number, oldest first."""
        return [call for call in self.calls if call.to == number]

    async def idle(self) -> None:
        """Wait until no call is live."""
        while self._live:
            await asyncio.wait({task for _, task in self._live.values()})

    async def over(self, call: CallRecord) -> None:
        """Wait until this call has ended."""
        if call.sid in self._live:
            await asyncio.wait({self._live[call.sid][1]})

    async def ring(self, caller: str, to: str, person: PicksUp) -> CallRecord:
        """Somebody rings one of the account's numbers; returns when that call is over."""
        call = self._new_call(caller, to, "inbound")
        self._start(call, person, {"Url": self.numbers[to]}, ())
        await self.over(call)
        return call

    def place(self, form: Sequence[tuple[str, str]]) -> CallRecord:
        """Place a call as the form of a dial wants it. Raises `Refusal`."""
        options = dict(form)
        to, caller = options.get("To", ""), options.get("From", "")
        if self.numbers and caller not in self.numbers:
            raise Refusal(21210, "The source phone number provided is not yet verified for your account")
        person = self._next_behaviour(to)
        if person == NotInService(refused_at_once=True):
            raise Refusal(21211, f"The 'To' number {to} is not a valid phone number.")
        call = self._new_call(caller, to, "outbound-api")
        call.attempt_id = attempt_of(options.get("Url", ""))
        events = [value for name, value in form if name == "StatusCallbackEvent"] or ["completed"]
        self._start(call, person, options, events)
        return call

    def listed(self) -> list[CallRecord]:
        """The calls that have come into the list so far, newest first."""
        now = asyncio.get_running_loop().time()
        return [call for call in reversed(self.calls) if self._listed_at[call.sid] <= now]

    def live(self, sid: str) -> LiveCall | None:
        """The call, if it has not ended."""
        entry = self._live.get(sid)
        return entry[0] if entry else None

    async def hang_up_all(self) -> None:
        """The network goes down: every call is gone, and nobody is told."""
        tasks = [task for _, task in self._live.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _next_behaviour(self, number: str) -> Behaviour:
        behaviours = self._people.get(number)
        if not behaviours:
            return NoAnswer()
        return behaviours.popleft() if len(behaviours) > 1 else behaviours[0]

    def _new_call(self, caller: str, to: str, direction: str) -> CallRecord:
        call = CallRecord(f"CA{token_hex(16)}", to=to, caller=caller, direction=direction, created_at=self.now())
        rung = [other for other in self.calls if other.direction == direction == "outbound-api" and other.to == to]
        self.overlaps += [(other, call) for other in rung if other.is_live]
        self.calls.append(call)
        self._listed_at[call.sid] = asyncio.get_running_loop().time() + self.listed_after_s * self.pace
        return call

    def _start(self, call: CallRecord, person: Behaviour, options: Mapping[str, str], events: Sequence[str]) -> None:
        live = LiveCall(self.exchange, call, person, options, events)
        task = asyncio.create_task(live.run(self.queued_s))
        self._live[call.sid] = (live, task)
        task.add_done_callback(lambda _: self._live.pop(call.sid))


def attempt_of(url: str) -> str | None:
    """The attempt's id in one of Klara's addresses."""
    return parse_qs(urlsplit(url).query).get("attempt", [None])[0]
