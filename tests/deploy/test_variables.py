"""What is said outside of the code about the environment is what the code reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from klara_daemon.config import NEEDED_TO_RUN, PREFIX, SECRETS_DIR, Address, Config
from tests.deploy.installation import DEPLOY, TOP, variables

KNOWN = {f"{PREFIX}{name.upper()}" for name in Config.model_fields} | {SECRETS_DIR}
FILES = [
    TOP / "Procfile",
    TOP / "docs" / "operations.md",
    *sorted(path for path in DEPLOY.rglob("*") if path.is_file()),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TOP)))
def test_every_variable_that_is_named_is_one_that_the_daemon_reads(path: Path) -> None:
    assert variables(path.read_text()) <= KNOWN


def table() -> Iterator[tuple[str, str, str]]:
    for line in (TOP / "docs" / "operations.md").read_text().splitlines():
        if row := re.fullmatch(r"\| `(KLARA_\w+)` \| (.*?) \| (.*?) \|", line):
            yield row[1], row[2], row[3]


def shown(name: str) -> str:
    default = Config.model_fields[name].default
    if name in NEEDED_TO_RUN:
        return "needed"
    return f"`{default if isinstance(default, str | Address) else f'{default:g}'}`"


def test_the_table_of_the_environment_is_the_configuration() -> None:
    assert list(table()) == [
        (f"{PREFIX}{name.upper()}", shown(name), field.description) for name, field in Config.model_fields.items()
    ]
