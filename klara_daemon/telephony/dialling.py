"""The way to the telephone. An import contract lets nobody but the dialer have it, behind the gate."""

from __future__ import annotations

from typing import Protocol

from klara_daemon.telephony.provider import Dial, Provider, RemoteCall


class DialsCalls(Provider, Protocol):
    """A phone company that places calls."""

    async def dial(self, dial: Dial) -> RemoteCall:
        """Place the call, asking exactly once. Raises `Rejected`, `NotSent` or `Uncertain`."""
