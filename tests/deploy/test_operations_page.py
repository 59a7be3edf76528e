"""What the operations page names is there: events, metrics, exit statuses, roles."""

from __future__ import annotations

import re

from klara_daemon import metrics, process
from klara_daemon.config import ROLES, BadConfig
from klara_daemon.flow import Role
from tests.deploy.installation import TOP

PAGE = (TOP / "docs" / "operations.md").read_text()
CODE = "\n".join(path.read_text() for path in (TOP / "klara_daemon").rglob("*.py"))


def section(title: str) -> str:
    (text,) = re.findall(rf"(?ms)^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE)
    assert isinstance(text, str)
    return text


def first_cells(text: str) -> list[str]:
    return [name for cell in re.findall(r"(?m)^\| (`.*?) \|", text) for name in re.findall(r"`([^`]+)`", cell)]


def test_every_event_that_is_explained_is_logged_somewhere() -> None:
    events = first_cells(section("The log"))
    assert len(events) > 10
    assert [event for event in events if f'"{event}"' not in CODE] == []


def test_every_metric_that_is_to_be_watched_is_exposed() -> None:
    names = first_cells(section("What to watch"))
    assert len(names) > 5
    assert [name for name in names if f"# TYPE {name} " not in metrics.exposition().decode()] == []


def test_every_exit_status_is_explained() -> None:
    explained = {int(status) for status in re.findall(r"(?m)^\| (\d+) \|", section("Signals and exit statuses"))}
    assert explained >= {process.STOPPED, process.ACTOR_ENDED, process.HUNG, BadConfig.exit_status, 1, 2}


def test_the_roles_are_those_of_the_flow() -> None:
    assert tuple(Role) == ROLES
    assert [cell for cell in first_cells(section("The roles")) if cell in ROLES] == list(ROLES)
