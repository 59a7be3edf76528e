"""The web role's server: every route in one list, and one place for what goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from klara_daemon.errors import new_reference
from klara_daemon.store.database import OUTAGE
from klara_daemon.web import recruitee_webhooks
from klara_daemon.web.recruitee_webhooks import RecruiteeWebhooks
from klara_daemon.web.twilio_webhooks import TwilioWebhooks

log = structlog.get_logger()


def web_app(recruitee: RecruiteeWebhooks, twilio: TwilioWebhooks) -> web.Application:
    """The application; bodies are limited to what the largest honest sender needs."""
    app = web.Application(client_max_size=recruitee_webhooks.LONGEST_BODY, middlewares=[speak_plainly])
    app.add_routes([web.post(recruitee_webhooks.PATH, recruitee.post), *twilio.routes()])
    return app


@web.middleware
async def speak_plainly(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 503 during an outage, so that the sender comes again, and 500 with a reference for a fault of ours."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except OUTAGE as error:
        log.warning("request_not_served", path=request.path, cause=type(error).__name__)
        return web.Response(status=503, text="Not available at the moment; please come again.")
    except Exception:
        reference = new_reference()
        log.exception("request_failed", path=request.path, reference=reference)
        return web.Response(status=500, text=f"Something went wrong here; reference {reference}.")
