"""Which server the tests use: a pure order of ways, and the climb that takes the first that holds."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from klara_daemon.demo.private_server import ServerFailed
from tests.servers.interfaces import Unavailable

Server = TypeVar("Server")


class Way(StrEnum):
    """A way to a server; the value is how the report names it."""

    GIVEN = "named by the environment"
    CONTAINER = "container"
    WHEEL = "wheel"
    INSTALLED = "private node of the installed rabbitmq-server"
    INSTALL = "rabbitmq-server installed with apt-get"


class NoServer(Exception):
    """No way led to a server; the text is one sentence for the person who runs the tests."""


def ways_to_postgres(*, given: bool, breakable: bool) -> tuple[Way, ...]:
    """The ways to try, in order. A server that tests freeze and kill (`breakable`) is never one that was named."""
    if given and not breakable:
        return (Way.GIVEN,)
    return (Way.CONTAINER, Way.WHEEL)


def ways_to_rabbitmq(*, given: bool, breakable: bool, may_install: bool) -> tuple[Way, ...]:
    """The same for RabbitMQ; `may_install`: this is Debian or Ubuntu and we are root."""
    if given and not breakable:
        return (Way.GIVEN,)
    return (Way.CONTAINER, Way.INSTALLED, *([Way.INSTALL] if may_install else []))


def climb(ways: Iterable[Way], attempt: Callable[[Way], Server], *, otherwise: str) -> tuple[Way, Server]:
    """The first way on which `attempt` leads to a server, and that server; else `NoServer` with `otherwise`."""
    reasons = []
    for way in ways:
        try:
            return way, attempt(way)
        except (Unavailable, ServerFailed) as reason:
            reasons.append(f"{way}: {reason}")
    raise NoServer(f"{otherwise} ({'; '.join(reasons)})")
