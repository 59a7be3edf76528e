"""How the small telephone network asks Klara's addresses: signed, repeated as wished, lossy on request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urldefrag

import aiohttp

from klara_daemon.telephony.twilio.addresses import SIGNATURE_HEADER, signature

CEILING_S: Final = 15
"""Twilio waits no longer for an answer during a call."""


@dataclass(slots=True)
class CallbackFaults:
    """What goes wrong with status callbacks: some are lost, all come twice, or the wrong way round."""

    lost: frozenset[str] = frozenset()
    doubled: bool = False
    reversed_order: bool = False


@dataclass(slots=True, eq=False)
class Exchange:
    """What all calls of one network share. `pace` is how long a second of a call takes, in seconds."""

    account_sid: str
    auth_token: str
    now: Callable[[], datetime]
    pace: float
    http: aiohttp.ClientSession
    faults: CallbackFaults = field(default_factory=CallbackFaults)
    drop_after: deque[int] = field(default_factory=deque)
    problems: list[str] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        """Let so many seconds of the call go by."""
        await asyncio.sleep(seconds * self.pace)

    def headers(self, url: str, form: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
        """The signature for this request."""
        return {SIGNATURE_HEADER: signature(self.auth_token, url, form)}

    async def ask(self, address: str, form: Sequence[tuple[str, str]]) -> str | None:
        """POST a form; the answer's text, or None when there was no good one. The fragment says how often to repeat."""
        url, fragment = urldefrag(address)
        wishes = parse_qs(fragment)
        repeat_always = "all" in wishes.get("rp", [""])[0].split(",")
        for _ in range(1 + int(wishes.get("rc", ["1"])[0])):
            try:
                status, text = await self._post(url, form)
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue
            if 200 <= status < 300:
                return text
            self.problems.append(f"HTTP {status} from {url}")
            if not repeat_always:
                break
        return None

    async def _post(self, url: str, form: Sequence[tuple[str, str]]) -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=CEILING_S)
        async with self.http.post(
            url, data=aiohttp.FormData(form), headers=self.headers(url, form), timeout=timeout
        ) as answer:
            return answer.status, await answer.text()
