"""A line between a client and a server that can be cut, or go dead in silence, at the moment a test wants."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Line:
    """A TCP proxy. `cut_after` cuts each connection right after these bytes went to the server, once."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self.cut_after: bytes | None = None
        self.connections = 0

    def go_dead(self) -> None:
        """From now on nothing comes through, and nobody is told."""
        self._flowing.clear()

    def revive(self) -> None:
        """What was held back comes through."""
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        self.connections += 1
        server, to_server = await asyncio.open_connection(self._host, self._port)
        self._open |= {to_client, to_server}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(client, to_server, watched=True))
                both.create_task(self._carry(server, to_client, watched=False))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open -= {to_client, to_server}
            for writer in (to_client, to_server):
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, watched: bool) -> None:
        while data := await source.read(65536):
            await self._flowing.wait()
            target.write(data)
            await target.drain()
            if watched and self.cut_after is not None and self.cut_after in data:
                self.cut_after = None
                await asyncio.sleep(0.1)  # the server has it by now; its answer gets lost
                self.cut()
        target.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[str, Line]]:
    """The same URL by way of a line that can be broken."""
    parts = urlsplit(url)
    line = Line(parts.hostname or "127.0.0.1", parts.port or 0)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials = parts.netloc.rpartition("@")[0]
    address = f"{credentials}@127.0.0.1:{port}" if credentials else f"127.0.0.1:{port}"
    try:
        yield urlunsplit(parts._replace(netloc=address)), line
    finally:
        line.revive()
        line.cut()
        server.close()
