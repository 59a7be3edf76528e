"""The compose file is valid, hands over secrets as files only, and gives no service more than it needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from klara_daemon.config import Config
from tests.deploy.installation import DEPLOY, LONGEST_STOP_S, SID, runs

FOLDER = DEPLOY / "compose"
TEXT = (FOLDER / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "compose-spec.json").read_text())
TWILIO = "0123456789abcdef0123456789abcdef"


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def secrets_of(service: dict[str, Any]) -> list[str]:
    return [secret if isinstance(secret, str) else secret["source"] for secret in service.get("secrets", [])]


def test_it_is_what_the_specification_allows() -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(COMPOSE)


def test_the_schema_would_notice_a_slip() -> None:
    slipped = {**COMPOSE, "services": {"daemon": {**SERVICES["daemon"], "cap_dropp": ["ALL"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(slipped)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_held_tight(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert "privileged" not in service
    assert "test" in service["healthcheck"] or name == "migrate"


def test_secrets_are_files_and_stand_in_no_environment() -> None:
    used = {secret for service in SERVICES.values() for secret in secrets_of(service)}
    assert used == COMPOSE["secrets"].keys()
    for service in SERVICES.values():
        for value in service.get("environment", {}).values():
            assert not re.search(r"password=|://\w+:", value)


@pytest.mark.parametrize("name", ["migrate", "daemon"])
def test_the_daemon_starts_with_what_it_is_given(name: str, tmp_path: Path) -> None:
    service = SERVICES[name]
    environ = {
        name: re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: EXAMPLE[found[1]], value)
        for name, value in service["environment"].items()
    }
    assert environ.pop("KLARA_SECRETS_DIR") == "/run/secrets"
    runs(service["command"], environ, secrets_of(service), tmp_path)


EXAMPLE = dict(line.split("=", 1) for line in (FOLDER / ".env.example").read_text().splitlines())


def test_a_stop_leaves_time_to_drain() -> None:
    assert seconds(SERVICES["daemon"]["stop_grace_period"]) >= LONGEST_STOP_S


def test_only_the_daemon_is_reached_and_reaches_out() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["daemon"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["daemon"]["ports"])
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert [name for name, service in SERVICES.items() if "outside" in service["networks"]] == ["daemon"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    shutil.copy(FOLDER / "make-secrets", tmp_path)
    subprocess.run([tmp_path / "make-secrets"], input=TWILIO, text=True, check=True, capture_output=True)
    return tmp_path / "secrets"


def test_made_secrets_are_all_that_is_asked_for_and_fit_each_other(made: Path) -> None:
    files = {entry["file"] for entry in COMPOSE["secrets"].values()}
    assert {f"./secrets/{path.name}" for path in made.iterdir()} == files
    config = Config.from_env(
        {
            "KLARA_SECRETS_DIR": str(made),
            "KLARA_PUBLIC_URL": "https://klara.example.com",
            "KLARA_TWILIO_ACCOUNT_SID": SID,
        }
    ).check_roles([])
    postgres = SERVICES["postgres"]["environment"]
    password = (made / "postgres_password").read_text()
    assert config.database_url.startswith(
        f"postgresql://{postgres['POSTGRES_USER']}:{password}@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    broker = dict(line.split(" = ") for line in (made / "rabbitmq.conf").read_text().splitlines())
    assert broker["default_user"] != "guest"
    assert config.amqp_url == (
        f"amqp://{broker['default_user']}:{broker['default_pass']}@rabbitmq:5672/{broker['default_vhost']}"
    )
    assert config.twilio_auth_token == TWILIO
    assert made.stat().st_mode & 0o777 == 0o700


def test_secrets_are_made_once(made: Path) -> None:
    keys = (made / "klara_secret_keys").read_text()
    again = subprocess.run([made.parent / "make-secrets"], input=TWILIO, text=True, check=False, capture_output=True)
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert (made / "klara_secret_keys").read_text() == keys


def test_no_secrets_are_made_without_the_token(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "make-secrets", tmp_path)
    ended = subprocess.run([tmp_path / "make-secrets"], input="", text=True, check=False, capture_output=True)
    assert ended.returncode == 1
    assert not (tmp_path / "secrets").exists()


def test_made_secrets_are_never_committed() -> None:
    assert {"/secrets/", "/secrets.*/", "/.env"} <= set((FOLDER / ".gitignore").read_text().splitlines())
