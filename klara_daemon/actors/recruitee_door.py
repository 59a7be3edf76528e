"""The way into a company's Recruitee account, and what is done when it is shut."""

from __future__ import annotations

import structlog

from klara_daemon.recruitee.protocol import Access, Reconnect
from klara_daemon.store import companies
from klara_daemon.store.companies import CompanySecrets, ConnectionState
from klara_daemon.store.database import Database
from klara_daemon.vault import CannotOpen, Vault

log = structlog.get_logger()

UNAUTHORIZED = 401


class RecruiteeDoor:
    """Opens with the company's token; notes when Recruitee refuses it, and when it is taken again."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def access(self, company_id: int) -> Access | None:
        """The company's access; None when it has no token that can be read."""
        secrets = await self._secrets(company_id)
        return Access(company_id, secrets.token) if secrets and secrets.token else None

    async def open_access(self, company_id: int) -> Access | None:
        """The same, and None also while Recruitee refuses the token: then nobody is called and nothing written."""
        secrets = await self._secrets(company_id)
        if secrets is None or secrets.token is None or secrets.connection is not ConnectionState.CONNECTED:
            return None
        return Access(company_id, secrets.token)

    async def _secrets(self, company_id: int) -> CompanySecrets | None:
        async with self._database.connection() as conn:
            try:
                return await companies.secrets(conn, self._vault, company_id)
            except CannotOpen as error:
                log.warning("secret_not_opened", company_id=company_id, cause=error.happened)
                return None

    async def refused(self, access: Access, error: Reconnect) -> None:
        """Recruitee turned this token away. Only 401 shuts the door; 403 forbids one thing, not everything."""
        log.error("recruitee_refused_token", company_id=access.company_id, status=error.status, cause=str(error))
        known = await self._secrets(access.company_id)
        if error.status == UNAUTHORIZED and known is not None and known.token == access.token:
            async with self._database.transaction() as tx:
                await companies.mark_reconnect(tx.conn, access.company_id, str(error), seen=known)

    async def welcomed(self, company_id: int) -> None:
        """Recruitee answered: if the door was shut, it is open again and waiting work goes on."""
        if await self.open_access(company_id):
            return
        async with self._database.transaction() as tx:
            if await companies.mark_connected(tx.conn, company_id):
                log.info("recruitee_reconnected", company_id=company_id)
