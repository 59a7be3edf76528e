"""A door in front of servers: each connection goes to the first of them that takes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

CHUNK: Final = 1 << 16


@asynccontextmanager
async def forwarding(port: int, *servers: int) -> AsyncIterator[None]:
    """Listen on this port of 127.0.0.1 and pass everything on to the others, for as long as the context lasts."""
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for server in servers:
            with contextlib.suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", server)
                await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
                return
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    door = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        door.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything from here to there; the end of one side is the end of the other."""
    try:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
