"""The web role's tests: a web process in front of a company whose webhook secret is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.actors.conftest import _one_database, _scene, emptied_database_url, furnished_database_url, watching
from tests.actors.scene import Scene
from tests.web.front import Front, front, store_webhook_secret

__all__ = ["_one_database", "_scene", "emptied_database_url", "furnished_database_url", "watching"]


@pytest.fixture(name="front")
async def _front(watching: Scene) -> AsyncIterator[Front]:
    """A web process; the company's webhook secret is stored."""
    await store_webhook_secret(watching)
    async with front(watching) as found:
        yield found
