"""The daemon as separate processes of the operating system: started, killed, asked how they are, and buried."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import aiohttp

from klara_daemon.demo.private_server import free_port
from klara_daemon.flow import Role
from tests.eventually import eventually
from tests.journey import daemon_process

STARTS_WITHIN_S: Final = 30.0
ENDS_WITHIN_S: Final = 20.0
LINES_SHOWN: Final = 60

_NURSERY: Final = multiprocessing.get_context("forkserver")
_NURSERY.set_forkserver_preload(["tests.journey.nursery"])


class DaemonProcess:
    """One process with one role or several. Started again it has a new process id and its old addresses."""

    def __init__(
        self, name: str, roles: Sequence[Role], environment: Mapping[str, str], clock: Path, folder: Path
    ) -> None:
        self.name = name
        self.roles = roles
        self.web_port = free_port()
        self._log = folder / f"{name}.log"
        self._health = f"127.0.0.1:{free_port()}"
        addresses = {"KLARA_LISTEN": f"127.0.0.1:{self.web_port}", "KLARA_HEALTH_LISTEN": self._health}
        self._arguments = (roles, {**environment, **addresses}, clock, self._log)
        self._process: ForkServerProcess | None = None

    @property
    def pid(self) -> int:
        """The process id; an error before the first start."""
        assert self._process is not None, f"{self.name} was not started"
        assert self._process.pid is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status (minus the signal that ended it); None while it runs."""
        return self._process.exitcode if self._process else None

    def start(self) -> None:
        """Start it; it is not ready yet."""
        self._process = _NURSERY.Process(target=daemon_process.main, args=self._arguments)
        self._process.start()

    def kill(self) -> None:
        """SIGKILL; returns when it is dead."""
        if self._process is not None:
            self._process.kill()
            self._process.join(ENDS_WITHIN_S)

    def signal(self, which: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, which)

    async def ended(self, within: float = ENDS_WITHIN_S) -> int:
        """Its exit status, as soon as it has ended by itself."""
        await eventually(lambda: self.status is not None, within=within, saying=f"{self.name} ended")
        assert self.status is not None
        return self.status

    async def readiness(self) -> tuple[int, str]:
        """What `/readyz` answers: status and text; status 0 when nobody answers."""
        timeout = aiohttp.ClientTimeout(total=15)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://{self._health}/readyz") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, repr(error)

    async def until_ready(self, status: int = 200, saying: str = "", within: float = STARTS_WITHIN_S) -> None:
        """Returns when `/readyz` answers with this status, and with this among its words."""

        async def answers() -> bool:
            seen, text = await self.readiness()
            assert (seen, saying in text) == (status, True), (seen, text)
            return True

        await eventually(answers, within=within, saying=f"{self.name} answers {status} {saying}")

    def last_words(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join([f"--- {self.name}, status {self.status}", *lines[-LINES_SHOWN:]])


@contextmanager
def processes(
    role_sets: Sequence[Sequence[Role]], *, environment: Mapping[str, str], clock: Path, folder: Path
) -> Iterator[list[DaemonProcess]]:
    """One process for each set of roles, not started yet. When the block fails, their logs are told."""
    made = [
        DaemonProcess(f"{nth}-{'+'.join(roles)}", roles, environment, clock, folder)
        for nth, roles in enumerate(role_sets, start=1)
    ]
    try:
        yield made
    except Exception as error:
        error.add_note("\n".join(one.last_words() for one in made))
        raise
    finally:
        for one in made:
            one.kill()
