"""The flow holds against the code: every message travels on one leg, its sender sends it, its handler takes it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from klara_daemon import app, config, messages
from klara_daemon.flow import FLOW, Leg, Role, as_mermaid
from klara_daemon.messages import Message

PACKAGE = Path(app.__file__).parent
FILES_OF = {
    Role.WEB: ["web/*.py"],
    Role.STAGE_WATCHER: ["actors/stage_watcher.py", "actors/readings.py"],
    Role.CALL_SCHEDULER: ["actors/call_scheduler.py"],
    Role.DIALER: ["actors/dialer.py", "actors/readings.py", "actors/call_*.py"],
    Role.ATS_WRITEBACK: ["actors/ats_writeback.py"],
}


def _sources(role: Role) -> str:
    paths = [path for pattern in FILES_OF[role] for path in PACKAGE.glob(pattern)]
    return "\n".join(
        path.read_text(encoding="utf-8") for path in paths if role is not Role.DIALER or "scheduler" not in path.name
    )


def test_every_message_travels_on_exactly_one_leg() -> None:
    known = {kind for _, kind in inspect.getmembers(messages, inspect.isclass) if issubclass(kind, Message)} - {Message}
    assert sorted(leg.message.name for leg in FLOW) == sorted(kind.name for kind in known)


@pytest.mark.parametrize("leg", FLOW, ids=lambda leg: leg.message.name)
def test_senders_send_it(leg: Leg) -> None:
    for role in leg.senders:
        assert f"send({leg.message.__name__}(" in _sources(role), f"{role} never sends {leg.message.name}"


@pytest.mark.parametrize("leg", FLOW, ids=lambda leg: leg.message.name)
def test_nobody_else_sends_it(leg: Leg) -> None:
    # The reconciler repeats news that was lost; it runs in the role that handles it.
    for role in set(Role) - set(leg.senders) - {leg.handler}:
        assert f"send({leg.message.__name__}(" not in _sources(role), f"{role} sends {leg.message.name}"


@pytest.mark.parametrize("leg", FLOW, ids=lambda leg: leg.message.name)
def test_its_handler_takes_it(leg: Leg) -> None:
    assert f"def on_{leg.message.name}(" in _sources(leg.handler)
    method = f"_{leg.handler.name.lower()}"
    wiring = inspect.getsource(getattr(app.Daemon, method))
    assert re.search(rf"_step\({leg.message.__name__},", wiring)


def test_the_roles_are_those_of_the_configuration() -> None:
    assert {role.value for role in Role} == set(config.ROLES)


def test_the_picture_names_every_message() -> None:
    assert all(leg.message.name in as_mermaid() for leg in FLOW)
