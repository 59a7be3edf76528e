"""Twilio's REST API over aiohttp: a dial is asked exactly once; everything else may be asked again by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import aiohttp
from yarl import URL

from klara_daemon import metrics
from klara_daemon.telephony.provider import Dial, Lookup, NotSent, RemoteCall, Uncertain, Unknown
from klara_daemon.telephony.twilio import protocol
from klara_daemon.telephony.twilio.addresses import Params
from klara_daemon.telephony.twilio.fields import Malformed, json_of

ANSWER_LIMIT = 1 << 20
PAGES_AT_MOST = 20

Answer = tuple[int, bytes, str | None]
"""HTTP status, body, Retry-After."""


class TwilioClient:
    """Twilio as a `Provider`. The session belongs to the caller; its cookies and connections are not used to dial."""

    name = "twilio"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        account_sid: str,
        auth_token: str,
        base_url: str,
        public_url: str,
        timeout_s: float = 10,
    ) -> None:
        self._session = session
        self._auth = aiohttp.encode_basic_auth(account_sid, auth_token)
        self._account = URL(base_url) / "2010-04-01" / "Accounts" / account_sid
        self._public_url = public_url
        # a connection that does not come about tells us that nothing was sent; it must fail before the whole does
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)

    async def dial(self, dial: Dial) -> RemoteCall:
        """Place the call, asking exactly once. Raises `Rejected`, `NotSent` or `Uncertain`.

        aiohttp repeats only idempotent requests, never a POST; but one on a kept connection that Twilio has just closed
        would be `Uncertain` without need. So each dial has a connection of its own.
        """
        form = protocol.dial_form(dial, self._public_url)
        connector = aiohttp.TCPConnector(force_close=True)
        try:
            async with aiohttp.ClientSession(connector=connector) as session:
                status, body, retry_after = await self._ask(session, "POST", self._account / "Calls.json", form)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"no connection to Twilio: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Uncertain(f"the answer to the dial was lost: {type(error).__name__}") from error
        return protocol.placed_call(status, body, retry_after)

    async def find(self, dial: Dial, since: datetime, taken: frozenset[str]) -> Lookup:
        """Look for the call that a dial at `since` made. Never raises.

        Only the two numbers are asked for: a call that is still queued has no start time to filter by.
        """
        page: URL | None = (self._account / "Calls.json").with_query(To=dial.to, From=dial.caller, PageSize="100")
        listed: list[RemoteCall] = []
        try:
            for _ in range(PAGES_AT_MOST):
                if page is None:
                    return protocol.the_call_of(dial, since, taken, listed)
                calls, page = await self._page(page)
                listed += calls
        except (Uncertain, Malformed) as error:
            return Unknown(str(error))
        return Unknown(f"more than {PAGES_AT_MOST} pages of calls")

    async def fetch(self, ref: str) -> RemoteCall | None:
        """How the call stands; None when Twilio does not know it, perhaps not yet. Raises `Uncertain`."""
        status, body = await self._question("GET", self._call(ref))
        if status == 404:
            return None
        if status != 200:
            raise Uncertain(f"HTTP {status}")
        try:
            return protocol.remote_call(json_of(body))
        except Malformed as error:
            raise Uncertain(str(error)) from error

    async def hangup(self, ref: str) -> None:
        """End the call, also while queued or ringing; harmless when it has ended. Raises `Uncertain`."""
        await self._change(ref, "completed")

    async def cancel(self, ref: str) -> None:
        """End the call unless somebody has answered it. Raises `Uncertain`."""
        await self._change(ref, "canceled")

    async def check(self, callers: Sequence[str]) -> list[str]:
        """What stands in the way of calling from these numbers, a sentence each. Raises `Uncertain`."""
        status, body = await self._question("GET", self._account.with_suffix(".json"))
        if status != 200:
            code, _ = protocol.error_of(body)
            return [f"Twilio does not accept the account SID and the token (HTTP {status}, code {code or 'none'})."]
        refused = [caller for caller in callers if not await self._may_show(caller)]
        return [f"{caller} is neither a number of this Twilio account nor a verified caller id." for caller in refused]

    async def _may_show(self, caller: str) -> bool:
        for resource in ("IncomingPhoneNumbers", "OutgoingCallerIds"):
            address = (self._account / f"{resource}.json").with_query(PhoneNumber=caller)
            status, body = await self._question("GET", address)
            if status != 200:
                raise Uncertain(f"HTTP {status}")
            if caller in protocol.listed_numbers(body):
                return True
        return False

    def _call(self, ref: str) -> URL:
        return self._account / "Calls" / f"{ref}.json"

    async def _change(self, ref: str, status_wanted: str) -> None:
        """A call that Twilio does not know (404) may ring all the same: what is known there lags behind."""
        status, body = await self._question("POST", self._call(ref), [("Status", status_wanted)])
        if status == 200:
            return
        code, message = protocol.error_of(body)
        if code != protocol.NOT_IN_THAT_STATE:
            raise Uncertain(f"HTTP {status} {code or ''} {message}".rstrip())

    async def _page(self, page: URL) -> tuple[list[RemoteCall], URL | None]:
        status, body = await self._question("GET", page)
        if status != 200:
            raise Uncertain(f"HTTP {status}")
        calls, next_page = protocol.listed_calls(body)
        if next_page is None:
            return calls, None
        following = self._account.join(URL(next_page, encoded=True))
        if following.origin() != self._account.origin():
            raise Uncertain("the next page of calls is on another host")
        return calls, following

    async def _question(self, method: str, url: URL, form: Params | None = None) -> tuple[int, bytes]:
        """Ask what may be asked again."""
        try:
            status, body, _ = await self._ask(self._session, method, url, form)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Uncertain(f"Twilio did not answer: {type(error).__name__}") from error
        return status, body

    async def _ask(self, session: aiohttp.ClientSession, method: str, url: URL, form: Params | None = None) -> Answer:
        status: int | None = None
        try:
            async with session.request(
                method,
                url,
                data=None if form is None else aiohttp.FormData(form),
                headers={"Authorization": self._auth},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                status = response.status
                return status, await _limited(response.content), response.headers.get("Retry-After")
        finally:
            metrics.TELEPHONY_REQUESTS.labels(metrics.status_class(status)).inc()


async def _limited(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(body)
