"""How a command ends when it cannot do what it was asked: words on standard error and a status, never a traceback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
import structlog

from klara_daemon import log as log_setup
from klara_daemon.errors import KlaraError

T = TypeVar("T")

log = structlog.get_logger()


class BadInput(KlaraError):
    """What the person gave cannot be used."""

    exit_status = 2


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end. A failure that a person can do something about ends the program in words.

    Its log line, which the reference finds, is for machines: a person at a terminal has just read the words.
    """
    if not structlog.is_configured():
        log_setup.configure("json", "critical" if sys.stderr.isatty() else "warning")
    try:
        return asyncio.run(work)
    except KlaraError as error:
        log.warning("command_failed", reference=error.reference, exit_status=error.exit_status)
        click.echo(error.render(), err=True)
        sys.exit(error.exit_status)
