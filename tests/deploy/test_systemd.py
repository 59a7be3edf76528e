"""The units are what systemd understands, start what they say, and keep the daemon in a small room."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from klara_daemon.config import ROLES, BadConfig, Config
from tests.deploy.installation import DEPLOY, LONGEST_STOP_S, runs

FOLDER = DEPLOY / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
PROGRAM = "/opt/klara-daemon/bin/klara-daemon"
WORST_EXPOSURE = 1.5  # 1.1 with systemd 252: what is left is the network; newer versions weigh more things


def unit(path: Path) -> dict[str, list[str]]:
    """Every setting of a unit or drop-in with all of its values."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        if line and line[0] not in "#[":
            key, value = line.split("=", 1)
            found[key].append(value)
    return found


def environment(settings: dict[str, list[str]]) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in settings.get("Environment", []))


def health_drop_in(role: str) -> Path:
    return FOLDER / f"klara-daemon@{role}.service.d" / "health.conf"


@pytest.mark.systemd
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_unit(name: str, tmp_path: Path) -> None:
    copied = tmp_path / name.replace("@.", "@dialer.")
    copied.write_text((FOLDER / name).read_text().replace(PROGRAM, sys.executable))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", copied], capture_output=True, text=True, check=False
    )
    assert (told.returncode, [line for line in told.stderr.splitlines() if "klara" in line]) == (0, [])


@pytest.mark.systemd
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_little_exposed(name: str) -> None:
    judge: list[str | Path] = [
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--threshold={WORST_EXPOSURE * 10:.0f}",
        FOLDER / name,
    ]
    told = subprocess.run(judge, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.systemd
def test_systemd_would_notice_a_slip(tmp_path: Path) -> None:
    slipped = tmp_path / "klara-daemon.service"
    slipped.write_text((FOLDER / "klara-daemon.service").read_text().replace("Type=notify", "Type=notyfi"))
    told = subprocess.run(["systemd-analyze", "verify", slipped], capture_output=True, text=True, check=False)
    assert "notyfi" in told.stderr


@pytest.mark.parametrize("name", ["klara-daemon.service", "klara-daemon@.service"])
def test_the_daemon_tells_systemd_how_it_is_and_is_started_again(name: str) -> None:
    settings = unit(FOLDER / name)
    assert settings["Type"] == ["notify"]
    assert settings["WatchdogSec"] == ["30"]
    assert settings["Restart"] == ["always"]
    assert settings["RestartPreventExitStatus"] == [str(BadConfig.exit_status)]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert settings["KillMode"] == ["mixed"]
    assert int(settings["TimeoutStopSec"][0]) >= LONGEST_STOP_S


@pytest.mark.parametrize("name", UNITS)
def test_a_process_starts_with_what_its_unit_gives_it(name: str, tmp_path: Path) -> None:
    settings = unit(FOLDER / name)
    environ = environment(settings)
    assert environ.pop("KLARA_SECRETS_DIR") == "%d"
    if settings["EnvironmentFile"]:
        environ |= {key: value for key, (value,) in unit(FOLDER / "klara-daemon.env").items()}
    credentials = [credential.split(":")[0] for credential in settings["LoadCredential"]]
    (started,) = settings["ExecStart"]
    program, *command = started.replace("%i", "dialer").split()
    assert program == PROGRAM
    runs(command, environ, credentials, tmp_path)


def test_a_role_is_run_like_all_of_them() -> None:
    def without_what_it_runs(name: str) -> str:
        return re.sub(r"(?m)^(#|Description=|ExecStart=).*\n", "", (FOLDER / name).read_text())

    assert without_what_it_runs("klara-daemon.service") == without_what_it_runs("klara-daemon@.service")


def test_the_migration_is_held_as_tight_as_the_daemon() -> None:
    def room(name: str) -> str:
        text = (FOLDER / name).read_text()
        return text[text.index("DynamicUser") :].split("\n\n")[0].strip()

    assert room("klara-daemon-migrate.service") == room("klara-daemon.service")


@pytest.mark.parametrize("name", UNITS)
def test_secrets_come_as_credentials_and_the_process_owns_nothing(name: str) -> None:
    settings = unit(FOLDER / name)
    for setting in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers"):
        assert settings[setting] == ["yes"]
    assert settings["ProtectSystem"] == ["strict"]
    assert settings["CapabilityBoundingSet"] == [""]
    assert "AF_UNIX" in settings["RestrictAddressFamilies"][0]  # or systemd would never hear that it is ready
    assert set(environment(settings)) == {"KLARA_SECRETS_DIR"}


def test_each_role_has_a_health_address_of_its_own() -> None:
    addresses = [Config.from_env(environment(unit(health_drop_in(role)))).health_listen for role in ROLES]
    assert len(set(addresses)) == len(ROLES)
    assert len(list(FOLDER.glob("klara-daemon@*.service.d"))) == len(ROLES)
