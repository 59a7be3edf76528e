"""Servers in containers, by testcontainers. An engine that answers but cannot start the image is no engine."""

import gc
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from klara_daemon.demo.private_server import ServerFailed, free_port
from tests.servers.interfaces import PrivateAmqpServer, PrivatePostgresServer, StopMode, Unavailable
from tests.servers.versions import postgres_version, rabbitmq_version
from tests.servers.vhosts import Vhosts

_POSTGRES_IMAGE = os.environ.get("KLARA_TEST_POSTGRES_IMAGE", "postgres:18")
_RABBITMQ_IMAGE = os.environ.get("KLARA_TEST_RABBITMQ_IMAGE", "rabbitmq:4")
_READY_WITHIN_S = 90.0
_STOP_WITHIN_S = 30.0
_SIGNALS: Mapping[StopMode, str] = {"smart": "SIGTERM", "fast": "SIGINT", "immediate": "SIGQUIT", "kill": "SIGKILL"}

Server = TypeVar("Server", bound="_Container")


class _Container:
    """One container whose one port is published where it stays when the container is started again."""

    def __init__(self, container: Any, inner_port: int) -> None:
        self._container = container.with_bind_ports(inner_port, free_port())
        self._container.start()
        self._address = f"{container.get_container_host_ip()}:{container.get_exposed_port(inner_port)}"

    @property
    def version(self) -> str:
        """As the server says it."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The main process, as the engine's host counts."""
        return int(self._seen_by_engine().attrs["State"]["Pid"])

    def start(self) -> None:
        """Start, and return when it answers."""
        self._seen_by_engine().start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until it tells its version."""
        deadline = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                assert self.version
            except Exception as why:  # while it starts, the ways in which it does not answer are many
                if time.monotonic() > deadline:
                    raise ServerFailed(f"{self._container.image} did not answer in time") from why
                time.sleep(0.2)
            else:
                return

    def freeze(self) -> None:
        """Let it hang."""
        self._seen_by_engine().pause()

    def thaw(self) -> None:
        """Let it go on."""
        container = self._seen_by_engine()
        if container.status == "paused":
            container.unpause()

    def restore(self) -> None:
        """Thaw and start it where that is needed."""
        self.thaw()
        if self._seen_by_engine().status != "running":
            self.start()

    def end(self) -> None:
        """Remove the container."""
        self._container.stop()

    def run(self, command: list[str]) -> None:
        """Run a program inside."""
        status, said = self._container.exec(command)
        if status:
            raise ServerFailed(f"{command[0]} failed: {said!r}")

    def _signal(self, name: str) -> None:
        container = self._seen_by_engine()
        container.kill(name)
        container.wait(timeout=_STOP_WITHIN_S)

    def _seen_by_engine(self) -> Any:
        container = self._container.get_wrapped_container()
        container.reload()
        return container


class _Postgres(_Container):
    @property
    def version(self) -> str:
        return postgres_version(self.url())

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:klara@{self._address}/{database}?sslmode=disable"

    def stop(self, mode: StopMode = "fast") -> None:
        self._signal(_SIGNALS[mode])

    def restart(self, mode: StopMode = "fast") -> None:
        self.stop(mode)
        self.start()


class _RabbitMQ(_Container):
    @property
    def version(self) -> str:
        return rabbitmq_version(self.url)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self._address}/%2F"

    def fresh_url(self) -> str:
        return f"amqp://guest:guest@{self._address}/{self._vhosts.take()}"

    def stop(self, *, kill: bool = False) -> None:
        self._signal("SIGKILL" if kill else "SIGTERM")

    def restart(self, *, kill: bool = False) -> None:
        self.stop(kill=kill)
        self.start()

    @cached_property
    def _vhosts(self) -> Vhosts:
        return Vhosts(lambda erlang: self.run(["rabbitmqctl", "--quiet", "eval", erlang]))


@contextmanager
def postgres_container() -> Iterator[PrivatePostgresServer]:
    """A running Postgres. `Unavailable` without an engine that can start it."""
    server = _started(
        lambda container: _Postgres(container.with_env("POSTGRES_PASSWORD", "klara"), 5432), _POSTGRES_IMAGE
    )
    try:
        yield server
    finally:
        server.end()


@contextmanager
def rabbitmq_container() -> Iterator[PrivateAmqpServer]:
    """A running RabbitMQ. `Unavailable` without an engine that can start it."""
    # The node's data belong to its host name, so that must outlive a restart.
    server = _started(lambda container: _RabbitMQ(container.with_kwargs(hostname="klara-tests"), 5672), _RABBITMQ_IMAGE)
    try:
        yield server
    finally:
        server.end()


def _started(make: Callable[[Any], Server], image: str) -> Server:
    # docker's client leaves its socket open when no engine answers: collected in here, nobody hears of it.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        try:
            return _ready(make, image)
        except Exception as why:  # noqa: BLE001 - whatever goes wrong, the next way may lead to a server
            reason = f"no engine that starts {image} ({type(why).__name__})"
        gc.collect()
    raise Unavailable(reason)


def _ready(make: Callable[[Any], Server], image: str) -> Server:
    # Imported here because it looks for an engine's settings, and most runs never come this far.
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    server = make(DockerContainer(image))
    server.wait_until_ready()
    return server
