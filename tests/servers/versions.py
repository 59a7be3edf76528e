"""Which version a server says it is; the first real exchange with it."""

import asyncio
from typing import cast

import aiormq
import asyncpg

_WITHIN_S = 15.0


def rabbitmq_version(url: str) -> str:
    """Such as `3.10.8`. What aiormq raises when nobody answers passes through."""

    async def ask() -> str:
        async with asyncio.timeout(_WITHIN_S):
            connection = await aiormq.connect(url)
            try:
                return str(connection.server_properties.get("version", b"?")).strip("b'")
            finally:
                await connection.close()

    return asyncio.run(ask())


def postgres_version(url: str) -> str:
    """Such as `18.4`. What asyncpg raises when nobody answers passes through."""

    async def ask() -> str:
        connection = await asyncpg.connect(url, timeout=_WITHIN_S)
        try:
            return cast(str, await connection.fetchval("SHOW server_version")).split()[0]
        finally:
            await connection.close()

    return asyncio.run(ask())
