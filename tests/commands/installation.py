"""A whole installation in small, for commands that look at it: company, token, web role, vendors; nothing is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from klara_daemon.app import listening
from klara_daemon.config import Address
from klara_daemon.demo.private_server import free_port
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.telephone_network import TelephoneNetwork
from klara_daemon.domain.settings import parse
from klara_daemon.store import companies, settings
from klara_daemon.store.database import Connection, Database
from klara_daemon.telephony.floor import Timing
from klara_daemon.vault import Vault, new_key
from klara_daemon.web.recruitee_webhooks import RecruiteeWebhooks
from klara_daemon.web.server import web_app
from klara_daemon.web.twilio_webhooks import TwilioWebhooks
from tests.commands.command_line import Ended, give
from tests.domain.settings_documents import EXAMPLE

COMPANY: Final = 89564
OFFER: Final = 1181300
APPLIED, CALL, INTERVIEW, HIRED = 8063175, 8063176, 8063177, 8063179
CALLER: Final = EXAMPLE["company"]["caller_number"]
TOKEN, SECRET = "t0ken-of-89564", "s3cret-of-the-webhook"
ACCOUNT, AUTH_TOKEN = "AC" + "0" * 32, "auth-token-of-the-installation"


@dataclass(frozen=True, slots=True)
class Installation:
    """What a test breaks. `environment` is the commands' own."""

    environment: dict[str, str]
    conn: Connection
    recruitee: SmallRecruitee
    telephone: TelephoneNetwork
    vault: Vault

    async def apply(self, document: dict[str, Any]) -> None:
        """Store settings."""
        await settings.apply(self.conn, parse(json.dumps(document)), "test")

    async def give(self, *words: str, typed: str = "", **variables: str) -> Ended:
        """Give a command in this installation; `variables` outrank those of the environment."""
        return await give(*words, environment=self.environment | variables, typed=typed)


@asynccontextmanager
async def installation(database_url: str, amqp_url: str) -> AsyncIterator[Installation]:
    """Build it, with the web role listening, and take it down again."""
    key, port = new_key(), free_port()
    vault, public_url = Vault([key]), f"http://127.0.0.1:{port}"
    recruitee = SmallRecruitee(lambda: datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    recruitee.add_company(COMPANY, "Example GmbH", TOKEN)
    stages = [(APPLIED, "Beworben", "apply"), (CALL, "Telefon", "phone_screen"), (INTERVIEW, "Gespräch", "interview")]
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft", [*stages, (HIRED, "Eingestellt", "hire")])
    await recruitee.start()
    database = await Database.open(database_url, lambda: datetime.now(UTC))
    conn = await asyncpg.connect(database_url)
    network = TelephoneNetwork(account_sid=ACCOUNT, auth_token=AUTH_TOKEN, numbers={CALLER: ""})
    twilio = TwilioWebhooks(
        database, auth_token=AUTH_TOKEN, public_url=public_url, timing=Timing(), closing=asyncio.Event()
    )
    app = web_app(RecruiteeWebhooks(database, vault), twilio)
    async with network as telephone, listening(app, Address("127.0.0.1", port)):
        environment = {
            "KLARA_DATABASE_URL": database_url,
            "KLARA_AMQP_URL": amqp_url,
            "KLARA_PUBLIC_URL": public_url,
            "KLARA_SECRET_KEYS": key,
            "KLARA_TWILIO_ACCOUNT_SID": ACCOUNT,
            "KLARA_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "KLARA_TWILIO_API_URL": telephone.url,
            "KLARA_RECRUITEE_API_URL": recruitee.url,
        }
        built = Installation(environment, conn, recruitee, telephone, vault)
        await built.apply(EXAMPLE)
        await companies.store_token(conn, vault, COMPANY, TOKEN)
        await companies.store_webhook_secret(conn, vault, COMPANY, SECRET)
        yield built
    await conn.close()
    await database.close()
    await recruitee.stop()
