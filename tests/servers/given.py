"""Servers that the environment names: `KLARA_TEST_DATABASE_URL` (a superuser's) and `KLARA_TEST_AMQP_URL`."""

import asyncio
from urllib.parse import urlsplit

import aiormq
import asyncpg

from klara_daemon.flow import FLOW
from tests.servers.interfaces import Unavailable
from tests.servers.versions import postgres_version, rabbitmq_version

DATABASE_VARIABLE = "KLARA_TEST_DATABASE_URL"
AMQP_VARIABLE = "KLARA_TEST_AMQP_URL"

_WITHIN_S = 15.0


class GivenPostgres:
    """Somebody else's Postgres: we make databases in it and drop them again."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self.version = postgres_version(url)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as why:
            raise Unavailable(f"{DATABASE_VARIABLE} names a server that does not answer: {why}") from why

    def url(self, database: str = "postgres") -> str:
        """The same server's other database."""
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()


class GivenRabbitMQ:
    """Somebody else's RabbitMQ: we empty its one virtual host of what is ours before each test."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.version = rabbitmq_version(url)
        except (OSError, aiormq.exceptions.AMQPError, ValueError) as why:
            raise Unavailable(f"{AMQP_VARIABLE} names a server that does not answer: {why}") from why

    def fresh_url(self) -> str:
        """The one virtual host, without Klara's queues and exchanges."""
        asyncio.run(self._remove_what_is_ours())
        return self.url

    async def _remove_what_is_ours(self) -> None:
        async with asyncio.timeout(_WITHIN_S):
            connection = await aiormq.connect(self.url)
            try:
                channel = await connection.channel()
                for queue in (*(leg.queue for leg in FLOW), "klara.dead"):
                    await channel.queue_delete(queue)
                for exchange in ("klara", "klara.dead"):
                    await channel.exchange_delete(exchange)
            finally:
                await connection.close()
