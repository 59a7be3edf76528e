"""The way into a company's Recruitee account: shut by 401 alone, and only by the token that was refused."""

from __future__ import annotations

import pytest

from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.recruitee.protocol import Access, Reconnect
from klara_daemon.store import companies
from klara_daemon.vault import Vault, new_key
from tests.actors.scene import COMPANY, TOKEN, Scene

ACCESS = Access(COMPANY, TOKEN)


async def _refused(scene: Scene, access: Access = ACCESS, status: int | None = 401) -> None:
    await scene.door.refused(access, Reconnect("no", status=status))


async def test_a_company_gets_in_with_its_token(scene: Scene) -> None:
    assert await scene.door.access(COMPANY) == ACCESS
    assert await scene.door.open_access(COMPANY) == ACCESS
    assert await scene.door.access(COMPANY + 1) is None
    assert await scene.door.open_access(COMPANY + 1) is None


async def test_a_refused_token_shuts_the_door_for_work_but_not_for_knocking(scene: Scene) -> None:
    await _refused(scene)
    assert await scene.door.open_access(COMPANY) is None
    assert await scene.door.access(COMPANY) == ACCESS
    assert await scene.value("SELECT reconnect_reason FROM company_secrets") == "no"

    await scene.door.welcomed(COMPANY)
    assert await scene.door.open_access(COMPANY) == ACCESS


@pytest.mark.parametrize("status", [403, 200, None])
async def test_only_401_shuts_it(scene: Scene, status: int | None) -> None:
    await _refused(scene, status=status)
    assert await scene.door.open_access(COMPANY) == ACCESS


async def test_a_late_refusal_of_the_old_token_does_not_shut_the_new_one_out(scene: Scene) -> None:
    async with scene.database.transaction() as tx:
        await companies.store_token(tx.conn, scene.vault, COMPANY, "new")
    await _refused(scene)
    assert await scene.door.open_access(COMPANY) == Access(COMPANY, "new")


async def test_a_token_that_cannot_be_opened_is_none(scene: Scene) -> None:
    door = RecruiteeDoor(scene.database, Vault([new_key()]))
    assert await door.access(COMPANY) is None
    assert await door.open_access(COMPANY) is None
    await door.refused(ACCESS, Reconnect("no", status=401))
    assert await scene.door.open_access(COMPANY) == ACCESS
