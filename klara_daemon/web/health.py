"""Each process's own health, readiness and metrics, on an address of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from klara_daemon import metrics

Check = Callable[[], Awaitable[str | None]]


def health_app(stuck: Callable[[], Sequence[str]], readiness: Mapping[str, Check]) -> web.Application:
    """`/healthz`: every actor makes progress; `/readyz`: and what it needs is there; `/metrics` for Prometheus.

    A readiness check returns what is wrong, or None.
    """

    async def healthz(_: web.Request) -> web.Response:
        late = list(stuck())
        return web.json_response({"stuck": late}, status=503 if late else 200)

    async def readyz(_: web.Request) -> web.Response:
        wrong = {name: fault for name, check in readiness.items() if (fault := await check())}
        late = list(stuck())
        return web.json_response({"stuck": late, "wrong": wrong}, status=503 if late or wrong else 200)

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)])
    return app
