"""A private RabbitMQ node out of an installed `rabbitmq-server`: own name, ports, folder and epmd, on loopback only."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from klara_daemon.demo.private_server import (
    Account,
    ServerFailed,
    ServerProcess,
    free_port,
    hand_over,
    private_folder,
    run_program,
    unprivileged_account,
)
from tests.servers.interfaces import Unavailable
from tests.servers.versions import rabbitmq_version
from tests.servers.vhosts import Vhosts

# The packages' own scripts: the wrapper in the path insists on the packages' own user and folders.
_SCRIPT_FOLDERS = (Path("/usr/lib/rabbitmq/bin"), Path("/usr/local/sbin"), Path("/opt/rabbitmq/sbin"))
_NODE = "klara-tests@localhost"
_START_WITHIN_S = 120.0
_SIGNAL_WORKS_WITHIN_S = 0.3
_STOP_WITHIN_S = 30.0
_EVAL_WITHIN_S = 60.0

_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 1MB
"""


def installed_scripts() -> Path | None:
    """The folder of an installed RabbitMQ's scripts, if there is one."""
    return next((folder for folder in _SCRIPT_FOLDERS if (folder / "rabbitmq-server").exists()), None)


class RabbitMQNode:
    """The node and its epmd. It keeps its ports, its durable queues and their messages when it is started again."""

    def __init__(self, folder: Path, account: Account, scripts: Path) -> None:
        self._folder = folder
        self._account = account
        self._scripts = scripts
        self._port = free_port()
        self._epmd_port = free_port()
        self._write_files()
        epmd = [_epmd(), "-port", str(self._epmd_port), "-address", "127.0.0.1"]
        server = [str(scripts / "rabbitmq-server")]
        self._epmd = ServerProcess("epmd", folder, account, epmd, self._environment)
        self._server = ServerProcess("rabbitmq", folder, account, server, self._environment)
        self._vhosts = Vhosts(self.evaluate)

    @property
    def url(self) -> str:
        """The default virtual host."""
        return self._url("%2F")

    def fresh_url(self) -> str:
        """A virtual host that nobody has used."""
        return self._url(self._vhosts.take())

    @cached_property
    def version(self) -> str:
        """As the node says it."""
        return rabbitmq_version(self.url)

    @property
    def pid(self) -> int:
        """The Erlang machine's process id."""
        return self._server.pid

    def start(self) -> None:
        """Start, and return when connections are accepted."""
        if not self._epmd.running:
            self._epmd.start()
            self._epmd.wait_until(lambda: _answers(self._epmd_port), within=_START_WITHIN_S)
        self._server.start()
        self._server.wait_until(lambda: _answers(self._port), within=_START_WITHIN_S)

    def stop(self, *, kill: bool = False) -> None:
        """End the node in order, or by SIGKILL; its epmd stays.

        RabbitMQ 3.10 writes down late which quorum queues it has: one that was declared less than three seconds before
        a SIGKILL never finds a leader again. Tests of our code are not about that, so a kill waits until it is written.
        """
        if kill and self._server.running and not self._server.frozen:
            self.evaluate("[ok = dets:sync(Table) || Table <- dets:all()].")
        self._server.stop(signal.SIGKILL if kill else signal.SIGTERM, within=_STOP_WITHIN_S)

    def restart(self, *, kill: bool = False) -> None:
        """Stop and start."""
        self.stop(kill=kill)
        self.start()

    def freeze(self) -> None:
        """Let the node hang: connections stay open, nothing is answered."""
        self._server.freeze()

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._server.thaw()

    def restore(self) -> None:
        """Thaw it and start it where that is needed, whatever was done to it."""
        self.thaw()
        if not self._server.survives(_SIGNAL_WORKS_WITHIN_S):
            self.start()

    def evaluate(self, erlang: str) -> str:
        """What an Erlang expression, evaluated in the node, comes to."""
        return run_program(
            [str(self._scripts / "rabbitmqctl"), "--quiet", "eval", erlang],
            folder=self._folder,
            account=self._account,
            environment=self._environment,
            within=_EVAL_WITHIN_S,
        )

    def end(self) -> None:
        """End node and epmd for good."""
        self._server.stop(signal.SIGQUIT, within=_STOP_WITHIN_S)
        self._epmd.stop(signal.SIGTERM, within=_STOP_WITHIN_S)

    def _url(self, vhost: str) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}/{vhost}"

    def _write_files(self) -> None:
        (self._folder / "rabbitmq.conf").write_text(_CONFIGURATION.format(port=self._port))
        (self._folder / "enabled_plugins").write_text("[].")
        for name in ("data", "log"):
            (self._folder / name).mkdir()
        hand_over(self._folder, self._account)

    @cached_property
    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.defpath,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_BYTES": "0",
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            # Makes the script become the Erlang machine instead of waiting for it, so that our signals reach it.
            "RABBITMQ_ALLOW_INPUT": "yes",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 -noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }


@contextmanager
def private_rabbitmq() -> Iterator[RabbitMQNode]:
    """A running node, gone afterwards with its epmd and folder. `Unavailable` when RabbitMQ is not installed."""
    scripts = installed_scripts()
    if scripts is None:
        raise Unavailable("not there")
    account = unprivileged_account()
    with private_folder("rabbitmq", account) as folder:
        node = RabbitMQNode(folder, account, scripts)
        try:
            node.start()
            yield node
        finally:
            node.end()


def _epmd() -> str:
    beside_erlang = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    found = shutil.which("epmd") or next(map(str, beside_erlang), None)
    if found is None:
        raise ServerFailed("RabbitMQ is installed but Erlang's `epmd` was not found")
    return found


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False
