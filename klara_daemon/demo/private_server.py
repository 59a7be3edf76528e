"""Servers of our own for a while: a private folder, a free port, an unprivileged account, and an end that is certain.

Whatever becomes of this process (the end of the block, Ctrl-C, SIGTERM, SIGKILL), a keeper beside it sees its pipe
close, ends the servers whose process ids stand in the folder's `*.pid` files, and removes the folder.
"""

import os
import pwd
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# Below the ports that Linux gives to outgoing connections: there, a client that knocks at a stopped server may meet
# itself.
_PORTS = range(20_000, 32_000)

_KEEPER = """
trap '' INT TERM HUP
read -r _
tell() { for file in "$folder"/*.pid; do [ -e "$file" ] && kill "-$1" $(cat "$file") 2>/dev/null && told=yes; done; }
folder=$1
tell QUIT; tell CONT
for _ in $(seq 100); do told=; tell 0; [ "$told" ] || break; sleep 0.1; done
tell KILL
rm -rf "$folder"
"""


class ServerFailed(Exception):
    """A private server did not start or did not end; the text says why, with the end of its log."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server runs as: ourselves, or somebody without rights when we are root."""

    uid: int
    gid: int


def unprivileged_account() -> Account:
    """Ourselves, or `nobody` when we are root: servers refuse root, and need none of its rights."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in ("nobody", "daemon"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServerFailed("this machine has no account `nobody` for a private server to run as")


def reachable(path: Path, account: Account) -> bool:
    """Whether the account may read the path and enter all that lies above it."""
    if account.uid == os.geteuid():
        return True
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.parents))


@contextmanager
def private_folder(name: str, account: Account) -> Iterator[Path]:
    """A temporary folder of the account's alone, that goes with this process and takes its servers along."""
    places = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - mkdtemp makes the folder
    place = next((place for place in places if place.is_dir() and reachable(place, account)), places[0])
    folder = Path(tempfile.mkdtemp(prefix=f"klara-{name}-", dir=place))
    os.chown(folder, account.uid, account.gid)
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "keeper", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait()


def free_port() -> int:
    """A TCP port of 127.0.0.1 at which nobody listens at this moment."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - a port is no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def hand_over(path: Path, account: Account) -> None:
    """Give a file, or a folder with all that lies in it, to the account."""
    for each in (path, *path.rglob("*")):
        os.chown(each, account.uid, account.gid, follow_symlinks=False)


def run_program(
    command: Sequence[str], *, folder: Path, account: Account, environment: Mapping[str, str], within: float
) -> str:
    """What a program says that does its work and ends; `ServerFailed` when it fails or takes over `within` seconds."""
    who = _who(account)
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            user=who.user,
            group=who.group,
            extra_groups=who.extra_groups,
        )
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"{Path(command[0]).name} was not done after {within:.0f} s") from None
    if done.returncode:
        raise ServerFailed(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(slots=True)
class ServerProcess:
    """One server program that runs in a private folder, is told to stop, started again, frozen and thawed."""

    name: str
    folder: Path
    account: Account
    command: Sequence[str]
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _frozen: list[int] = field(default_factory=list, init=False)

    @property
    def pid(self) -> int:
        """The process id; an error when the server does not run."""
        if self._process is None:
            raise ServerFailed(f"{self.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether it was frozen and not thawed since."""
        return bool(self._frozen)

    def survives(self, seconds: float) -> bool:
        """Whether it still runs after `seconds`: a signal that somebody sent takes a moment to work."""
        with suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.wait(seconds)
        return self.running

    @property
    def log(self) -> Path:
        """What the server has said since it was made."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start the program; it is not yet ready."""
        who = _who(self.account)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=dict(self.environment),
                start_new_session=True,
                user=who.user,
                group=who.group,
                extra_groups=who.extra_groups,
                umask=0o077,
            )
        self._pid_file.write_text(str(self._process.pid))

    def wait_until(self, ready: Callable[[], bool], *, within: float) -> None:
        """Wait until `ready` says so, at most `within` seconds; `ServerFailed` when it ends before or time is up."""
        deadline = time.monotonic() + within
        while not ready():
            if not self.running:
                self._pid_file.unlink(missing_ok=True)
                raise ServerFailed(f"{self.name} ended while it started:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} was not ready after {within:.0f} s:\n{self._last_words()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals, *, within: float) -> None:
        """End the program by the signal `how`, by SIGKILL when it is still there after `within` seconds."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        self.thaw()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop the clock of the program and of all it has started: the connections stay open and nobody answers."""
        self._frozen = self.pids()
        self._pid_file.write_text(" ".join(map(str, self._frozen)))
        _signal_all(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the program go on after `freeze`, also what it had started when it is itself no more."""
        _signal_all(self._frozen, signal.SIGCONT)
        self._frozen = []

    def pids(self) -> list[int]:
        """The program's process id, then those of its children."""
        return [self.pid, *_children(self.pid)]

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class _Who(NamedTuple):
    """Whom `subprocess` makes of the child: nothing is to be changed unless we are root."""

    user: int | None
    group: int | None
    extra_groups: Sequence[int] | None


def _who(account: Account) -> _Who:
    return _Who(account.uid, account.gid, []) if os.geteuid() == 0 else _Who(None, None, None)


def _signal_all(pids: Iterable[int], which: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, which)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The command's name, in brackets, may itself hold spaces and brackets.
            state_and_parent = stat.read_text().rpartition(")")[2].split()
            if int(state_and_parent[1]) == parent:
                found.append(int(stat.parent.name))
    return found
