"""The actors' tests begin with a company that has settings and a token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.actors.emptied import _one_database, emptied_database_url, furnished_database_url
from tests.actors.scene import Scene, scene

__all__ = ["_one_database", "emptied_database_url", "furnished_database_url"]


@pytest.fixture(name="scene")
async def _scene(furnished_database_url: str) -> AsyncIterator[Scene]:
    """A company on a Monday morning; nothing has happened yet."""
    async with scene(furnished_database_url) as found:
        yield found


@pytest.fixture
async def watching(scene: Scene) -> Scene:
    """The same, and its watched stage has been looked at once, while nobody stood there."""
    await scene.have_watched()
    return scene
