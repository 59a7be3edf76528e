"""What a process answers to those who watch it: liveness, readiness, metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from klara_daemon.app import listening
from klara_daemon.config import Address
from klara_daemon.web.health import health_app


@dataclass
class State:
    """How the process is."""

    stuck: list[str] = field(default_factory=list)
    wrong: dict[str, str | None] = field(default_factory=lambda: {"database": None, "broker": None})
    url: str = ""

    async def get(self, path: str) -> tuple[int, str]:
        """What is answered."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def state() -> AsyncIterator[State]:
    now = State()

    async def database() -> str | None:
        return now.wrong["database"]

    async def broker() -> str | None:
        return now.wrong["broker"]

    app = health_app(lambda: now.stuck, {"database": database, "broker": broker})
    async with listening(app, Address("127.0.0.1", 0)) as port:
        now.url = f"http://127.0.0.1:{port}"
        yield now


async def test_a_process_with_which_nothing_is_wrong(state: State) -> None:
    assert await state.get("/healthz") == (200, '{"stuck": []}')
    assert await state.get("/readyz") == (200, '{"stuck": [], "wrong": {}}')


async def test_a_stuck_actor_is_named_and_makes_both_answer_503(state: State) -> None:
    state.stuck = ["dialling-2"]
    assert await state.get("/healthz") == (503, '{"stuck": ["dialling-2"]}')
    assert await state.get("/readyz") == (503, '{"stuck": ["dialling-2"], "wrong": {}}')


async def test_an_outage_is_no_reason_to_restart_the_process(state: State) -> None:
    state.wrong["broker"] = "does not answer"
    assert await state.get("/healthz") == (200, '{"stuck": []}')
    assert await state.get("/readyz") == (503, '{"stuck": [], "wrong": {"broker": "does not answer"}}')


async def test_metrics_are_those_of_this_process_in_prometheus_text(state: State) -> None:
    status, text = await state.get("/metrics")
    assert status == 200
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"klara_messages_parked", "process_cpu_seconds"} <= names


@pytest.mark.parametrize("path", ["/", "/webhooks/recruitee/1", "/metrics/x"])
async def test_nothing_else_is_there(state: State, path: str) -> None:
    assert (await state.get(path))[0] == 404
