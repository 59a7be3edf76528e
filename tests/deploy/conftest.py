"""Tests that ask systemd's own tools are selected only where these are; a line says so where they are not."""

from __future__ import annotations

import shutil
import subprocess

import pytest

OLDEST_SYSTEMD = 250  # the first whose `systemd-analyze security` reads units that are not installed


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "systemd: asks systemd-analyze")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asking = [item for item in items if item.get_closest_marker("systemd")]
    if asking and not _has_systemd():
        config.hook.pytest_deselected(items=asking)
        items[:] = [item for item in items if item not in asking]
        config.stash[_LEFT_OUT] = len(asking)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    left_out = config.stash.get(_LEFT_OUT, 0)
    return [f"{left_out} tests are not run: systemd-analyze {OLDEST_SYSTEMD} or later is not here"] if left_out else []


_LEFT_OUT = pytest.StashKey[int]()


def _has_systemd() -> bool:
    if shutil.which("systemd-analyze") is None:
        return False
    told = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=False).stdout
    version = told.split()[1:2]
    return bool(version) and int(version[0].split(".")[0].split("~")[0]) >= OLDEST_SYSTEMD
