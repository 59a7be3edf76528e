"""What a broken line to RabbitMQ looks like, and the deadlines on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aio_pika
import aiormq

from klara_daemon.broker.carriage import BrokerLost

CONNECT_S = 10.0
ANSWER_S = 10.0
DEDUP_HEADER = "klara-id"

_BREAKS = (aiormq.exceptions.AMQPError, aio_pika.exceptions.AMQPError, OSError, RuntimeError, TimeoutError)


@contextmanager
def line_breaks_as_broker_lost(doing: str) -> Iterator[None]:
    """Turn every way in which a line breaks into `BrokerLost`.

    aio-pika answers heartbeat loss with a `CancelledError` that nobody asked for; in a task group it would end the
    actor in silence.
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BrokerLost(f"the line broke while {doing}") from None
    except _BREAKS as error:
        raise BrokerLost(f"{doing}: {type(error).__name__}: {error}") from error
