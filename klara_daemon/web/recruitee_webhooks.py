"""Takes Recruitee's webhooks: verify the raw bytes, store, answer 200. The work happens in the actors.

Recruitee counts only 200 as delivered, repeats for two days, and shows its secret only after the first ping was
answered; so pings are always welcome, and while no secret is stored a webhook merely prompts a look.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog
from aiohttp import web

from klara_daemon import metrics
from klara_daemon.messages import WebhookAccepted
from klara_daemon.recruitee.protocol import MalformedWebhook, TestPing, WebhookEvent, is_signed, parse_webhook
from klara_daemon.store import companies, watches, webhooks
from klara_daemon.store.database import Database
from klara_daemon.vault import Vault

PATH = r"/webhooks/recruitee/{company_id:\d{1,15}}"
SIGNATURE_HEADER = "X-Recruitee-Signature"
LONGEST_BODY = 256 * 1024
BODY_WITHIN_S = 10.0
UNSIGNED_EVERY_S = 10.0
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


class RecruiteeWebhooks:
    """One address per company."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def post(self, request: web.Request) -> web.Response:
        """Answer a webhook; see the statuses in `docs/operations.md`."""
        company_id = int(request.match_info["company_id"])
        response = await self._answer(request, company_id)
        metrics.WEBHOOKS.labels("recruitee", str(response.status)).inc()
        if response.status != web.HTTPOk.status_code:
            log.warning("webhook_refused", company_id=company_id, status=response.status, reason=response.text)
        return response

    async def _answer(self, request: web.Request, company_id: int) -> web.Response:
        if "Content-Encoding" in request.headers:
            return web.Response(status=415, text="Send the body uncompressed.")
        async with asyncio.timeout(BODY_WITHIN_S):
            raw = await request.read()
        async with self._database.connection() as conn:
            if not await webhooks.company_is_known(conn, company_id):
                return web.Response(status=404, text="This company is not set up here.")
            secret = (await companies.secrets(conn, self._vault, company_id)).webhook_secret
        try:
            told = parse_webhook(raw)
        except MalformedWebhook as error:
            return web.Response(status=400, text=str(error))
        if isinstance(told, TestPing):
            return web.Response(text="ok")
        if secret is None:
            return await self._prompt_a_look(company_id)
        return await self._take_signed(company_id, told, is_signed(secret, raw, request.headers.get(SIGNATURE_HEADER)))

    async def _take_signed(self, company_id: int, told: WebhookEvent, signed: bool) -> web.Response:
        if not signed:
            return web.Response(status=401, text="The signature does not fit the body.")
        if told.company_id not in {None, company_id}:
            return web.Response(status=400, text="The body is about another company.")
        return await self._accept(company_id, told)

    async def _prompt_a_look(self, company_id: int) -> web.Response:
        async with self._database.transaction() as tx:
            await watches.poll_soon(tx.conn, company_id, not_within_s=UNSIGNED_EVERY_S)
            tx.ring("polls")
        log.info("webhook_unsigned", company_id=company_id)
        return web.Response(text="ok")

    async def _accept(self, company_id: int, told: WebhookEvent) -> web.Response:
        async with self._database.transaction() as tx:
            event_id = await webhooks.accept(
                tx.conn,
                company_id,
                told.webhook_id,
                told.created_at or NO_TIME,
                event_type=told.event_type,
                event_subtype=told.event_subtype,
                candidate_id=told.candidate_id,
                offer_id=told.offer_id,
                to_stage_id=told.to_stage_id,
            )
            if event_id is not None:
                tx.send(WebhookAccepted(event_id=event_id))
        log.info("webhook_accepted", company_id=company_id, event_type=told.event_type, repeated=event_id is None)
        return web.Response(text="ok")
