"""Some of the store's tests begin with a company that has settings and a token, like those of the actors."""

from __future__ import annotations

from tests.actors.conftest import _one_database, _scene, emptied_database_url, furnished_database_url, watching

__all__ = ["_one_database", "_scene", "emptied_database_url", "furnished_database_url", "watching"]
