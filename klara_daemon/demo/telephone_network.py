"""A telephone network in small that speaks Twilio's wire format: it places calls to people on loopback, can be told to
misbehave, and remembers what really happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from klara_daemon.demo.telephone.api import TelephoneApi
from klara_daemon.demo.telephone.exchange import Exchange
from klara_daemon.demo.telephone.switchboard import Switchboard, now_utc


class TelephoneNetwork(Switchboard):
    """The network, served: `async with` it, tell it about people, and point `KLARA_TWILIO_API_URL` at its `url`.

    `dial_faults` and `question_faults` are taken one for each request. Its page with the calls is at `/`.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        now: Callable[[], datetime] = now_utc,
        pace: float = 0.01,
        numbers: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(account_sid=account_sid, auth_token=auth_token, now=now, pace=pace, numbers=numbers)
        self.url = ""
        self._port = port
        self._api = TelephoneApi(self)
        self.dial_faults = self._api.dial_faults
        self.question_faults = self._api.question_faults

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self.exchange = Exchange(
            account_sid=self.account_sid,
            auth_token=self.auth_token,
            now=self.now,
            pace=self.pace,
            http=self._http,
            faults=self.callback_faults,
            drop_after=self.drop_sockets_after,
            problems=self.problems,
        )
        self._runner = web.AppRunner(self._api.application(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._api.close()
        await self.hang_up_all()
        await self._runner.cleanup()
        await self._http.close()
