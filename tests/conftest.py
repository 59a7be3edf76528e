"""The servers and databases of the tests. All are real; none is started before a test asks for it.

`database_url`            a fresh, migrated database, dropped after the test
`pool`                    an asyncpg pool on it
`postgres_server`         the shared server: `url(database)`, `version`
`private_postgres_server` one to break: `pid`, `pids()`, `stop(mode)`, `start()`, `restart(mode)`, `freeze()`, `thaw()`,
                          `url(database)`; the next test finds it running
`private_database_url`    a fresh, migrated database in it
`amqp_url`                a virtual host of its own, without queues; of a broker that the environment names, the one
                          that all share, without the daemon's queues: give others names that no other test uses
`amqp_server`             the shared RabbitMQ: `url`, `version`, `fresh_url()`
`private_amqp_server`     one to break: `pid`, `stop(kill=...)`, `start()`, `restart(kill=...)`, `freeze()`, `thaw()`,
                          `url`, `fresh_url()`; the next test finds it running. Kill it by `stop(kill=True)`, which
                          says why a bare SIGKILL loses quorum queues that were declared in the last seconds

`tests.eventually.eventually(condition, within=...)` waits for what is to come.

Which servers these are: those named by KLARA_TEST_DATABASE_URL (a superuser's) and KLARA_TEST_AMQP_URL; else
containers, where an engine can start them; else a private node of an installed rabbitmq-server and the Postgres of the
wheel; else, as root on Debian or Ubuntu, rabbitmq-server is installed. The private ones are never those named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import asyncpg
import pytest

from tests.servers.databases import cloned, migrated_template
from tests.servers.interfaces import AmqpServer, PostgresServer, PrivateAmqpServer, PrivatePostgresServer
from tests.servers.ladder import NoServer
from tests.servers.session import Servers

Server = TypeVar("Server")

_SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the servers known; none is started yet."""

    def say(line: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    config.stash[_SERVERS] = Servers(say)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what the chosen tests need, so that a missing server ends the run before its first test."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if session.config.option.collectonly:
        return
    servers = session.config.stash[_SERVERS]
    if "postgres_server" in wanted:
        _found(lambda: servers.postgres)
    if "amqp_server" in wanted:
        _found(lambda: servers.rabbitmq)
    if "private_postgres_server" in wanted:
        _found(lambda: servers.private_postgres)
    if "private_amqp_server" in wanted:
        _found(lambda: servers.private_rabbitmq)


def _found(server: Callable[[], Server]) -> Server:
    try:
        return server()
    except NoServer as sentence:
        pytest.exit(str(sentence), returncode=pytest.ExitCode.USAGE_ERROR)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers."""
    config.stash[_SERVERS].end()


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    """The Postgres that all tests share."""
    return _found(lambda: pytestconfig.stash[_SERVERS].postgres)


@pytest.fixture(scope="session")
def amqp_server(pytestconfig: pytest.Config) -> AmqpServer:
    """The RabbitMQ that all tests share."""
    return _found(lambda: pytestconfig.stash[_SERVERS].rabbitmq)


@pytest.fixture
def private_postgres_server(pytestconfig: pytest.Config) -> Iterator[PrivatePostgresServer]:
    """A Postgres to stop, kill and freeze."""
    server = _found(lambda: pytestconfig.stash[_SERVERS].private_postgres)
    yield server
    server.restore()


@pytest.fixture
def private_amqp_server(pytestconfig: pytest.Config) -> Iterator[PrivateAmqpServer]:
    """A RabbitMQ to stop, kill and freeze."""
    server = _found(lambda: pytestconfig.stash[_SERVERS].private_rabbitmq)
    yield server
    server.restore()


@pytest.fixture(scope="session")
def _template(postgres_server: PostgresServer) -> Iterator[str]:
    with migrated_template(postgres_server) as name:
        yield name


@pytest.fixture
async def database_url(postgres_server: PostgresServer, _template: str) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    async with cloned(postgres_server, _template) as url:
        yield url


@pytest.fixture(scope="session")
def _private_template(pytestconfig: pytest.Config) -> Iterator[str]:
    with migrated_template(_found(lambda: pytestconfig.stash[_SERVERS].private_postgres)) as name:
        yield name


@pytest.fixture
async def private_database_url(
    private_postgres_server: PrivatePostgresServer, _private_template: str
) -> AsyncIterator[str]:
    """A fresh, migrated database in the server that may be broken."""
    async with cloned(private_postgres_server, _private_template) as url:
        yield url
        private_postgres_server.restore()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """A pool on a fresh database."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=10, timeout=10, command_timeout=30) as pool:
        yield pool


@pytest.fixture
def amqp_url(amqp_server: AmqpServer) -> str:
    """A virtual host without queues."""
    return amqp_server.fresh_url()
