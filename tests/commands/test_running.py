"""`klara-daemon run`, `migrate`, and the command line itself: words and a status, never a traceback or a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import asyncpg
import click
import pytest

from klara_daemon import __version__
from klara_daemon.__main__ import main
from klara_daemon.config import NEEDED_TO_RUN, ROLES
from tests.commands.command_line import give
from tests.servers.databases import empty
from tests.servers.interfaces import PostgresServer

PASSWORD = "pa55word"
COMPLETE = {
    "KLARA_DATABASE_URL": f"postgresql://klara:{PASSWORD}@127.0.0.1:1/klara",
    "KLARA_AMQP_URL": f"amqp://klara:{PASSWORD}@127.0.0.1:1/klara",
    "KLARA_PUBLIC_URL": "https://klara.example.com",
    "KLARA_SECRET_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "KLARA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "KLARA_TWILIO_AUTH_TOKEN": PASSWORD,
}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and every group, with the words that lead to it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from commands(one, (*path, name))


ALL = dict(commands(main))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
async def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    ended = await give(*path, "--help", environment={})

    what = ALL[path].help
    assert ended.status == 0
    assert ended.printed.startswith(" ".join(("Usage: klara-daemon", *path)))
    if path:
        assert what is not None
        assert " ".join(what.split()) in " ".join(ended.printed.split())


def test_the_command_line_has_what_it_is_documented_to_have() -> None:
    assert set(main.commands) == {
        "run", "migrate", "settings", "company", "secrets", "timeline", "explain", "parked", "calling", "optout",
        "demo", "check",
    }  # fmt: skip


def as_program(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Give the command to `python -m klara_daemon` in a process of its own."""
    command = [sys.executable, "-m", "klara_daemon", *words]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KLARA_")}
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_package_can_be_run_and_says_its_version() -> None:
    done = as_program("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"klara-daemon, version {__version__}\n", "")


def test_without_its_configuration_it_ends_with_words_on_standard_error() -> None:
    done = as_program("run", KLARA_DATABASE_URL=f"mysql://klara:{PASSWORD}@db/klara")

    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr.startswith("The configuration cannot be used:\n  KLARA_DATABASE_URL is not usable: expected ")
    assert PASSWORD not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", NEEDED_TO_RUN)
async def test_a_variable_that_is_missing_is_named(name: str) -> None:
    variable = f"KLARA_{name.upper()}"

    ended = await give("run", environment=COMPLETE | {variable: ""})

    assert ended.status == 78
    assert f"{variable} is missing: expected " in ended.told
    assert PASSWORD not in ended.told + ended.printed


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KLARA_DATABASE_URL", f"{PASSWORD}"),
        ("KLARA_AMQP_URL", f"http://klara:{PASSWORD}@mq"),
        ("KLARA_PUBLIC_URL", f"https://klara:{PASSWORD}@klara.example.com"),
        ("KLARA_SECRET_KEYS", PASSWORD),
        ("KLARA_TWILIO_ACCOUNT_SID", PASSWORD),
        ("KLARA_TWILIO_AUTH_TOKEN", f"{PASSWORD} {PASSWORD}"),
        ("KLARA_LISTEN", PASSWORD),
        ("KLARA_HEALTH_LISTEN", "127.0.0.1:99999"),
        ("KLARA_DRAIN_S", "-1"),
        ("KLARA_LOG_LEVEL", "loud"),
        ("KLARA_SECRETS_DIR", f"/{PASSWORD}"),
    ],
)
async def test_a_variable_that_cannot_be_used_is_named_and_not_shown(variable: str, value: str) -> None:
    ended = await give("run", environment=COMPLETE | {variable: value})

    assert ended.status == 78
    assert variable in ended.told
    assert PASSWORD not in ended.told + ended.printed


@pytest.mark.parametrize("roles", [["cook"], ["web", "cook"], ["Web"], [""]])
async def test_an_unknown_role_is_refused_with_those_that_there_are(roles: list[str]) -> None:
    ended = await give("run", *roles, environment=COMPLETE)

    assert ended.status == 2
    assert all(role in ended.told for role in ROLES)


async def test_the_help_of_run_names_every_role() -> None:
    ended = await give("run", "--help", environment={})

    assert all(role in ended.printed for role in ROLES)


async def test_an_unknown_command_is_refused() -> None:
    ended = await give("dance", environment={})

    assert ended.status == 2
    assert "No such command 'dance'" in ended.told


async def test_migrating_is_harmless_when_it_is_done(postgres_server: PostgresServer) -> None:
    async with empty(postgres_server) as url:
        first = await give("migrate", environment={"KLARA_DATABASE_URL": url})
        second = await give("migrate", environment={"KLARA_DATABASE_URL": url})
        conn = await asyncpg.connect(url)
        tables = await conn.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        await conn.close()

    assert [(ended.status, ended.printed) for ended in (first, second)] == [(0, "The database is up to date.\n")] * 2
    assert tables > 10


async def test_migrating_needs_only_the_database() -> None:
    ended = await give("migrate", environment={})

    assert ended.status == 78
    assert "KLARA_DATABASE_URL is missing" in ended.told
    assert "KLARA_AMQP_URL" not in ended.told
