"""The web role on loopback, and who knocks at it: Recruitee, Twilio, strangers.

It is reached at a loopback address and known to the world as `PUBLIC_URL`: signatures are over the latter alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import aiohttp
from twilio.request_validator import RequestValidator

from klara_daemon.app import listening
from klara_daemon.config import Address
from klara_daemon.store import companies
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Database
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.twilio import addresses
from klara_daemon.vault import Vault
from klara_daemon.web.recruitee_webhooks import RecruiteeWebhooks
from klara_daemon.web.server import web_app
from klara_daemon.web.twilio_webhooks import TwilioWebhooks
from tests.actors.scene import AUTH_TOKEN, COMPANY, PUBLIC_URL, VAULT, Scene

SECRET: Final = "webhook-secret-of-the-company"
TIMING: Final = Timing().with_fast_voice(silence_s=5)
WITHIN_S: Final = 10.0
Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def verbs(self) -> list[str]:
        """The verbs of a TwiML document."""
        assert self.status == 200, self.text
        return [verb.tag for verb in ET.fromstring(self.text)]  # noqa: S314 - it is our own

    @property
    def relay(self) -> Mapping[str, str]:
        """The attributes of the relay that a TwiML document connects."""
        relay = ET.fromstring(self.text).find("Connect/ConversationRelay")  # noqa: S314
        assert relay is not None, self.text
        return relay.attrib

    @property
    def action(self) -> str:
        """Where the relay's end is to be told."""
        connect = ET.fromstring(self.text).find("Connect")  # noqa: S314
        assert connect is not None, self.text
        return connect.attrib["action"].removeprefix(PUBLIC_URL)

    @property
    def parameters(self) -> dict[str, str]:
        """What the setup frame will repeat."""
        found = ET.fromstring(self.text).iter("Parameter")  # noqa: S314
        return {one.attrib["name"]: one.attrib["value"] for one in found}


class Front:
    """One web process."""

    def __init__(
        self, database: Database, http: aiohttp.ClientSession, *, vault: Vault = VAULT, timing: Timing = TIMING
    ) -> None:
        self.closing = asyncio.Event()
        self._http = http
        self.twilio = TwilioWebhooks(
            database, auth_token=AUTH_TOKEN, public_url=PUBLIC_URL, timing=timing, closing=self.closing
        )
        self.app = web_app(RecruiteeWebhooks(database, vault), self.twilio)
        self.url = ""

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send some bytes."""
        async with (
            asyncio.timeout(WITHIN_S),
            self._http.post(self.url + path, data=body, headers=headers) as response,
        ):
            return Answer(response.status, await response.text(), dict(response.headers))

    async def webhook(
        self,
        body: object,
        *,
        secret: str | None = SECRET,
        company_id: int | str = COMPANY,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Recruitee sends a webhook: bytes as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = {}
        if secret is not None:
            signed["X-Recruitee-Signature"] = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        return await self.post(f"/webhooks/recruitee/{company_id}", raw, {**signed, **(headers or {})})

    async def call(self, path: str, form: Form, **query: str) -> Answer:
        """Twilio asks one of our addresses, signed by its own package."""
        address = f"{path}?{urlencode(query)}" if query else path
        signature = RequestValidator(AUTH_TOKEN).compute_signature(PUBLIC_URL + address, dict(form))
        return await self.post(
            address,
            urlencode(form).encode(),
            {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"},
        )

    async def answer(self, attempt: Attempt, *, ref: str | None = None, path: str = addresses.ANSWER_PATH) -> Answer:
        """Somebody has picked up."""
        form = {"CallSid": ref or attempt.provider_ref or "", "To": attempt.e164, "From": attempt.caller}
        return await self.call(path, {**form, "CallStatus": "in-progress"}, attempt=str(attempt.id))

    async def relay_ended(self, attempt: Attempt, told: Answer, status: str = "failed", **more: str) -> Answer:
        """The relay that a document connected has ended."""
        path, _, query = told.action.partition("?")
        parts = dict(part.split("=") for part in query.split("&"))
        form = {"CallSid": attempt.provider_ref or "", "SessionStatus": status, "CallStatus": "in-progress", **more}
        return await self.call(path, form, **parts)

    @asynccontextmanager
    async def relay(self, attempt: Attempt, told: Answer) -> AsyncIterator[Line]:
        """The relay that a document connects, with its first frame sent."""
        url = told.relay["url"]
        assert url.startswith("wss://klara.example/")
        signature = RequestValidator(AUTH_TOKEN).compute_signature(url, {})
        path = url.removeprefix("wss://klara.example")
        async with self._http.ws_connect(self.url + path, headers={"X-Twilio-Signature": signature}) as socket:
            line = Line(socket)
            await line.send(
                type="setup",
                sessionId="VX1",
                callSid=attempt.provider_ref,
                customParameters=told.parameters,
            )
            yield line


class Line:
    """The other end of a relay's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **frame: object) -> None:
        """Send a frame."""
        await self.socket.send_str(json.dumps(frame))

    async def say(self, text: str) -> None:
        """The person says something."""
        await self.send(type="prompt", voicePrompt=text, lang="de-DE", last=True)

    async def heard(self) -> str:
        """What Klara says next; empty when she gives the call back or the socket is closed."""
        async with asyncio.timeout(WITHIN_S):
            message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            return ""
        frame = json.loads(message.data)
        return str(frame["token"]) if frame["type"] == "text" else ""

    async def talk(self, *said: str) -> list[str]:
        """Say one thing after another; what Klara answers to each."""
        answers = []
        for text in said:
            await self.say(text)
            answers.append(await self.heard())
        return answers

    def tear(self) -> None:
        """The line breaks without a word."""
        self.socket._writer.transport.abort()


@asynccontextmanager
async def front(
    scene: Scene, *, database: Database | None = None, vault: Vault = VAULT, timing: Timing = TIMING
) -> AsyncIterator[Front]:
    """A web process of this scene."""
    found = Front(database or scene.database, scene.session, vault=vault, timing=timing)
    async with listening(found.app, Address("127.0.0.1", 0)) as port:
        found.url = f"http://127.0.0.1:{port}"
        yield found


async def store_webhook_secret(scene: Scene) -> None:
    """Recruitee has shown its secret, and an operator has stored it."""
    async with scene.database.transaction() as tx:
        await companies.store_webhook_secret(tx.conn, scene.vault, COMPANY, SECRET)


def words(lines: Sequence[dict[str, object]], speaker: str) -> list[str]:
    """What one side said, out of the transcript's rows."""
    return [str(line["said"]) for line in lines if line["speaker"] == speaker]
