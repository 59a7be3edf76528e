"""The Procfile starts every role, each with a health address of its own."""

from __future__ import annotations

import shlex
from pathlib import Path

from klara_daemon.config import ROLES
from tests.deploy.installation import SECRETS, SID, TOP, runs

LINES = dict(line.split(": ", 1) for line in (TOP / "Procfile").read_text().splitlines())


def test_it_has_the_release_and_every_role() -> None:
    assert list(LINES) == ["release", *ROLES]


def test_every_line_starts_what_it_is_named_after(tmp_path: Path) -> None:
    addresses = []
    for name, line in LINES.items():
        *assigned, program, command, role = [*shlex.split(line), ""] if name == "release" else shlex.split(line)
        environ = dict(pair.split("=", 1) for pair in assigned)
        assert program == "klara-daemon"
        assert (command, role) == (("migrate", "") if name == "release" else ("run", name))
        given = environ | {"KLARA_PUBLIC_URL": "https://klara.example.com", "KLARA_TWILIO_ACCOUNT_SID": SID}
        addresses.append(runs([word for word in (command, role) if word], given, SECRETS, tmp_path).health_listen)
    assert len(set(addresses[1:])) == len(ROLES)
    assert None not in addresses
