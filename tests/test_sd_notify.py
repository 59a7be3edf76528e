"""What systemd is told, on a real datagram socket; and that telling it never holds anybody up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from klara_daemon import sd_notify


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager that listens at a path, or at an abstract address."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@klara-{uuid4().hex}"
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1))
        listening.settimeout(5)
        yield listening


def test_each_state_arrives_by_itself(manager: socket.socket) -> None:
    assert sd_notify.notify("READY=1")
    assert sd_notify.notify("WATCHDOG=1")
    assert [manager.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]


def test_a_manager_that_does_not_listen_any_more_holds_nobody_up(manager: socket.socket) -> None:
    sent = [sd_notify.notify("WATCHDOG=1") for _ in range(5000)]
    assert sent[0]
    assert not sent[-1]


def test_a_manager_that_has_gone_ends_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not sd_notify.notify("READY=1")


def test_where_there_is_no_manager_nothing_has_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert sd_notify.notify("READY=1")


@pytest.mark.parametrize(
    ("given", "seconds"), [("30000000", 30.0), ("1500000", 1.5), ("0", None), ("", None), ("-1", None), ("soon", None)]
)
def test_how_often_a_sign_of_life_is_wanted(given: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", given)
    assert sd_notify.watchdog_s() == seconds
    monkeypatch.delenv("WATCHDOG_USEC")
    assert sd_notify.watchdog_s() is None
