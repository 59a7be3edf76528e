"""The commands' tests: one database that is emptied for each of them, and a whole installation around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina
import structlog

from tests.actors.emptied import _one_database, emptied_database_url
from tests.commands.installation import Installation, installation

__all__ = ["_one_database", "emptied_database_url"]


@pytest.fixture(autouse=True)
def _quiet_retries() -> Iterator[None]:
    stamina.instrumentation.set_on_retry_hooks([])
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    """A command sets up its log where nobody has; a test before that captured logs has."""
    structlog.reset_defaults()


@pytest.fixture
def database_url(emptied_database_url: str) -> str:
    """A migrated database in which nothing stands."""
    return emptied_database_url


@pytest.fixture(name="installed")
async def _installed(database_url: str) -> AsyncIterator[Installation]:
    """Everything there is, on the broker within the process; nothing is wrong with it."""
    async with installation(database_url, "memory:") as built:
        yield built
