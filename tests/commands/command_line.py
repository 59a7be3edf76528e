"""Giving a command as a person would, within the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import click
from click.testing import CliRunner

from klara_daemon.__main__ import main

#: Without what the real one does to the log of its process.
MAIN = click.Group(commands=main.commands)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit status, what it printed, and what it told on standard error."""

    status: int
    printed: str
    told: str


async def give(*words: str, environment: Mapping[str, str], typed: str | bytes = "") -> Ended:
    """Give `klara-daemon` these words and `typed` on standard input. Whatever it raises is raised here."""
    result = await asyncio.to_thread(
        CliRunner().invoke, MAIN, words, input=typed, env=dict(environment), prog_name="klara-daemon"
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)
