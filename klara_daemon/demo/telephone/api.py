"""Twilio's REST API in front of the small telephone network, with the answers that go wrong on request."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from klara_daemon.demo.telephone.page import calls_page
from klara_daemon.demo.telephone.records import CallRecord
from klara_daemon.demo.telephone.switchboard import Refusal, Switchboard, attempt_of
from klara_daemon.telephony.provider import CallStatus

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = dict[str, object]

PAGE_SIZE: Final = 50


class Fault(StrEnum):
    """What goes wrong with one answer."""

    ERROR_500 = "500"
    ERROR_503 = "503"
    TOO_MANY = "429"
    NOT_FOUND = "404"
    """As for a call that has been placed and is not known everywhere yet."""
    HANGS = "hangs"
    RESET = "reset"
    CUT_OFF = "cut_off"
    NOT_JSON = "not_json"
    NO_SID = "no_sid"
    REDIRECT = "redirect"
    LATE = "late"
    """Comes only after the call has ended."""


class TelephoneApi:
    """The API of one account. A dial's fault says also whether the call is placed all the same."""

    def __init__(self, board: Switchboard) -> None:
        self.dial_faults: deque[tuple[Fault, bool]] = deque()
        self.question_faults: deque[Fault] = deque()
        self._board = board
        self._closing = asyncio.Event()

    def application(self) -> web.Application:
        """What is served."""
        account = f"/2010-04-01/Accounts/{self._board.account_sid}"
        app = web.Application(middlewares=[self._authenticate])
        app.add_routes(
            [
                web.get("/", self._page),
                web.post(f"{account}/Calls.json", self._dial),
                web.get(f"{account}/Calls.json", self._list),
                web.get(account + "/Calls/{sid}.json", self._fetch),
                web.post(account + "/Calls/{sid}.json", self._change),
                web.get(f"{account}.json", self._account),
                web.get(f"{account}/IncomingPhoneNumbers.json", self._numbers),
                web.get(f"{account}/OutgoingCallerIds.json", self._caller_ids),
            ]
        )
        return app

    def close(self) -> None:
        """Lets go of the requests that hang."""
        self._closing.set()

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        pair = f"{self._board.account_sid}:{self._board.auth_token}".encode()
        expected = b"Basic " + base64.b64encode(pair)
        given = request.headers.get("Authorization", "").encode()
        if request.path != "/" and not hmac.compare_digest(expected, given):
            return _error(401, 20003, "Authenticate")
        return await handler(request)

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=calls_page(reversed(self._board.calls), self._board.names), content_type="text/html")

    async def _dial(self, request: web.Request) -> web.StreamResponse:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        self._board.dials.append(attempt_of(dict(form).get("Url", "")))
        fault, is_placed = self.dial_faults.popleft() if self.dial_faults else (None, True)
        call = None
        if is_placed:
            try:
                call = self._board.place(form)
            except Refusal as refusal:
                return _error(400, refusal.code, str(refusal))
        answer = call.as_json(self._board.account_sid) if call else {}
        return (
            web.json_response(answer, status=201) if fault is None else await self._fail(request, fault, answer, call)
        )

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if self.question_faults:
            return await self._fail(request, self.question_faults.popleft(), {})
        query = request.query
        matching = [
            call
            for call in self._board.listed()
            if query.get("To", call.to) == call.to and query.get("From", call.caller) == call.caller
        ]
        size, page = int(query.get("PageSize", PAGE_SIZE)), int(query.get("Page", 0))
        rest = matching[(page + 1) * size :]
        following = {**query, "Page": str(page + 1), "PageToken": "PA"}
        return web.json_response(
            {
                "calls": [c.as_json(self._board.account_sid) for c in matching[page * size : (page + 1) * size]],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{request.path}?{urlencode(following)}" if rest else None,
            }
        )

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        if self.question_faults:
            return await self._fail(request, self.question_faults.popleft(), {})
        call = self._known(request)
        return web.json_response(call.as_json(self._board.account_sid)) if call else _not_found(request)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        if self.question_faults:
            return await self._fail(request, self.question_faults.popleft(), {})
        wanted = (await request.post()).get("Status")
        if (call := self._known(request)) is None:
            return _not_found(request)
        live = self._board.live(call.sid)
        if live is None or (wanted == "canceled" and call.status is CallStatus.IN_PROGRESS):
            return _error(400, 21220, "Invalid call state")
        if wanted not in {"canceled", "completed"}:
            return _error(400, 21218, "Invalid ApplicationSid")
        live.hang_up()
        return web.json_response(call.as_json(self._board.account_sid))

    async def _account(self, _: web.Request) -> web.Response:
        return web.json_response({"sid": self._board.account_sid, "status": "active"})

    async def _numbers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("PhoneNumber", "")
        numbers = [{"phone_number": number} for number in self._board.numbers if wanted in {"", number}]
        return web.json_response({"incoming_phone_numbers": numbers})

    async def _caller_ids(self, _: web.Request) -> web.Response:
        return web.json_response({"outgoing_caller_ids": []})

    def _known(self, request: web.Request) -> CallRecord | None:
        return next((call for call in self._board.calls if call.sid == request.match_info["sid"]), None)

    async def _fail(
        self, request: web.Request, fault: Fault, answer: Json, call: CallRecord | None = None
    ) -> web.StreamResponse:
        if fault is Fault.LATE:
            if call is not None:
                await self._board.over(call)
            return web.json_response(answer, status=201)
        return _bad_answer(fault, request) or await self._break(request, fault)

    async def _break(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        response = web.StreamResponse(status=201)
        if fault is Fault.HANGS:
            await self._closing.wait()
        if fault is Fault.CUT_OFF:
            response.content_length = 500
            await response.prepare(request)
            await response.write(b'{"sid": "CA')
        if request.transport is not None:
            request.transport.abort()
        return response


def _bad_answer(fault: Fault, request: web.Request) -> web.Response | None:
    html = "<html><body>nginx</body></html>"
    answers = {
        Fault.ERROR_500: lambda: _error(500, 20500, "Internal Server Error"),
        Fault.ERROR_503: lambda: web.Response(status=503, text=html, content_type="text/html"),
        Fault.NOT_FOUND: lambda: _not_found(request),
        Fault.TOO_MANY: lambda: _error(429, 20429, "Too Many Requests", {"Retry-After": "1"}),
        Fault.NOT_JSON: lambda: web.Response(status=201, text=html, content_type="text/html"),
        Fault.NO_SID: lambda: web.json_response({"status": "queued"}, status=201),
        Fault.REDIRECT: lambda: web.Response(status=307, headers={"Location": str(request.url)}),
    }
    return answers[fault]() if fault in answers else None


def _error(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status, headers=headers)


def _not_found(request: web.Request) -> web.Response:
    return _error(404, 20404, f"The requested resource {request.path} was not found")
