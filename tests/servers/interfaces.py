"""What a test may expect of a server, wherever it comes from."""

from typing import Literal, Protocol

StopMode = Literal["smart", "fast", "immediate", "kill"]


class Unavailable(Exception):
    """There is no server to be had in this way; the text says why."""


class PostgresServer(Protocol):
    """A Postgres whose superuser we are."""

    @property
    def version(self) -> str:
        """Such as `18.4`."""

    def url(self, database: str = "postgres") -> str:
        """Where the database is to be found."""


class AmqpServer(Protocol):
    """A RabbitMQ."""

    @property
    def version(self) -> str:
        """Such as `3.10.8`."""

    @property
    def url(self) -> str:
        """Its first virtual host."""

    def fresh_url(self) -> str:
        """A virtual host with nothing of ours in it."""


class Breakable(Protocol):
    """A server of our own that a test may do everything to; the next test finds it restored."""

    @property
    def pid(self) -> int:
        """The server's main process. For a container, as the host counts; `freeze` works everywhere."""

    def start(self) -> None:
        """Start, and return when it answers; the address is the old one."""

    def freeze(self) -> None:
        """Let it hang: connections stay open, nothing is answered."""

    def thaw(self) -> None:
        """Let it go on after `freeze`."""

    def restore(self) -> None:
        """Thaw and start it where that is needed."""


class PrivatePostgresServer(PostgresServer, Breakable, Protocol):
    """A Postgres that a test may stop, kill and freeze."""

    def stop(self, mode: StopMode = "fast") -> None:
        """End it as `pg_ctl stop -m` would, or by SIGKILL."""

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start."""


class PrivateAmqpServer(AmqpServer, Breakable, Protocol):
    """A RabbitMQ that a test may stop, kill and freeze."""

    def stop(self, *, kill: bool = False) -> None:
        """End it in order, or by SIGKILL."""

    def restart(self, *, kill: bool = False) -> None:
        """Stop and start; durable queues and persistent messages stay."""
