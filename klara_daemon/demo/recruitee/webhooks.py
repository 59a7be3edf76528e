"""How the small Recruitee sends its webhooks: signed, repeated until they are answered 200, and mislaid on demand."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from dataclasses import dataclass
from typing import Literal

import aiohttp

from klara_daemon.demo.recruitee.accounts import Company
from klara_daemon.demo.recruitee.shapes import Json

Fate = Literal["lost", "doubled", "held"]

DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try to deliver a webhook; `status` None: nobody answered."""

    webhook_id: int
    attempt: int
    status: int | None


class Webhooks:
    """Sends webhooks. Only 200 is success; the real one repeats nine times over 48 hours, this one soon.

    `waits_s` lie between the tries.
    """

    def __init__(self) -> None:
        self.waits_s: tuple[float, ...] = (0.1, 0.3, 0.9)
        self.deliveries: list[Delivery] = []
        self._fates: deque[Fate] = deque()
        self._held: list[tuple[Company, Json]] = []
        self._session: aiohttp.ClientSession | None = None

    def meets(self, fate: Fate, times: int = 1) -> None:
        """The next webhooks are `lost`, `doubled`, or `held` until they are released."""
        self._fates.extend([fate] * times)

    async def release(self, *, backwards: bool = False) -> None:
        """Delivers what was held, late or also in the wrong order."""
        held, self._held = self._held, []
        for company, body in reversed(held) if backwards else held:
            await self._deliver(company, body)

    async def send(self, company: Company, body: Json) -> None:
        """Delivers one webhook, or what its fate is; returns when it was answered or given up."""
        match self._fates.popleft() if self._fates else None:
            case "lost":
                return
            case "held":
                self._held.append((company, body))
            case "doubled":
                await self._deliver(company, body)
                await self._deliver(company, body)
            case None:
                await self._deliver(company, body)

    async def ping(self, company: Company) -> int | None:
        """The test that Recruitee makes before it accepts an address. Returns the status."""
        return await self._post(company, b'{"test":true}', signed=False)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _deliver(self, company: Company, body: Json) -> None:
        if company.webhook_url is None:
            return
        for attempt, wait_s in enumerate((*self.waits_s, None), start=1):
            status = await self._post(company, json.dumps(body | {"attempt_count": attempt}).encode(), signed=True)
            self.deliveries.append(Delivery(int(str(body["id"])), attempt, status))
            if status == 200 or wait_s is None:
                return
            await asyncio.sleep(wait_s)

    async def _post(self, company: Company, raw: bytes, *, signed: bool) -> int | None:
        headers = {"User-Agent": "Recruitee-Webhooks", "Content-Type": "application/json"}
        if signed and company.webhook_secret:
            key = company.webhook_secret.encode()
            headers["X-Recruitee-Signature"] = hmac.new(key, raw, hashlib.sha256).hexdigest()
        self._session = self._session or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S))
        try:
            async with self._session.post(company.webhook_url or "", data=raw, headers=headers) as response:
                return response.status
        except (aiohttp.ClientError, OSError):
            return None
