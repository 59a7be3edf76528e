"""What can go wrong with an answer, on demand: every kind of failure that a client of Recruitee has to survive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, assert_never

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Failure = int | Literal["html", "cut", "hang", "close", "other_shape"]

PAGE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We'll be back soon</h1></body></html>"
BODIES: dict[int, object] = {
    401: {"error": "Token not found.", "error_code": "invalid_token"},
    403: {"error": ["Forbidden"]},
    404: {"error": ["Not found"]},
    422: {"error": ["Name can't be blank"], "error_fields": {"name": ["can't be blank"]}},
}


@dataclass(slots=True)
class Fault:
    """A failure for the requests whose `METHOD /path` holds the pattern. `left` None: until it is mended."""

    pattern: re.Pattern[str]
    failure: Failure
    left: int | None
    after_effect: bool
    headers: dict[str, str]


class Faults:
    """The failures that wait for a request; the first that fits is taken. `hanging` is set once one has hung."""

    def __init__(self) -> None:
        self.hanging = asyncio.Event()
        self._faults: list[Fault] = []

    def fail_next(
        self,
        pattern: str,
        failure: Failure,
        times: int | None = 1,
        *,
        after_effect: bool = False,
        retry_after: str | None = None,
    ) -> None:
        """Lets the next `times` requests fail (None: all) whose `METHOD /path` holds the regular expression.

        A number is a status; `html` a page with status 200, `cut` a body that ends too early, `hang` no answer at all,
        `close` a connection that is closed instead of one, `other_shape` JSON that holds nothing expected. With
        `after_effect` the request is carried out first.
        """
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self._faults.append(Fault(re.compile(pattern), failure, times, after_effect, headers))

    def mend(self) -> None:
        """Forgets all failures that are still to come."""
        self._faults.clear()

    async def pass_on(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers as the handler does, or fails."""
        fault = self._take(f"{request.method} {request.path}")
        if fault is None:
            return await handler(request)
        if fault.after_effect:
            await handler(request)
        if fault.failure == "hang":
            self.hanging.set()
        return await _fail(fault, request)

    def _take(self, asked: str) -> Fault | None:
        for fault in self._faults:
            if fault.pattern.search(asked):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        self._faults.remove(fault)
                return fault
        return None


async def _fail(fault: Fault, request: web.Request) -> web.StreamResponse:
    match fault.failure:
        case int() as status:
            body = BODIES.get(status, {"error": f"status {status}"})
            return web.json_response(body, status=status, headers=fault.headers)
        case "html":
            return web.Response(text=PAGE, content_type="text/html")
        case "other_shape":
            return web.json_response({"renamed": []})
        case "cut":
            return await _cut(request)
        case "close":
            _close(request)
            return web.Response()
        case "hang":
            await asyncio.Event().wait()
            return web.Response()
        case _:
            assert_never(fault.failure)


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"candidate":{"id":460441')
    _close(request)
    return response


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
