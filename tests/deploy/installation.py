"""What the tests of `deploy/` share: where it lies, and whether a process can run with what it is given there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from klara_daemon.config import ROLES, Config
from klara_daemon.process import OVERTIME_S

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"
LONGEST_STOP_S = 2 * Config.model_fields["drain_s"].default + OVERTIME_S  # then a process ends itself
SID = "AC00000000000000000000000000000000"
SECRETS = {
    "klara_database_url": "postgresql://klara:password@postgres:5432/klara",
    "klara_amqp_url": "amqp://klara:password@rabbitmq:5672/klara",
    "klara_secret_keys": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "klara_twilio_auth_token": "0123456789abcdef0123456789abcdef",
}


def runs(command: list[str], environ: Mapping[str, str], secrets: Iterable[str], folder: Path) -> Config:
    """The configuration with which `klara-daemon COMMAND` starts, given these secrets. Raises `BadConfig`."""
    for name in secrets:
        (folder / name).write_text(SECRETS[name] + "\n")
    config = Config.from_env({**environ, **({"KLARA_SECRETS_DIR": str(folder)} if secrets else {})})
    match command:
        case ["migrate"]:
            return config.require("database_url")
        case ["run", *roles]:
            assert set(roles) <= set(ROLES)
            return config.check_roles(roles)
        case _:
            raise AssertionError(command)


def variables(text: str) -> set[str]:
    """Every variable of ours that a text names."""
    return set(re.findall(r"\bKLARA_[A-Z_]+\b", text))
