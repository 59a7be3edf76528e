"""`klara-daemon run`, `migrate`: what a service manager starts."""

from __future__ import annotations

import sys

import click

from klara_daemon import log, process
from klara_daemon.commands.ending import run
from klara_daemon.config import Config
from klara_daemon.flow import Role
from klara_daemon.store.migrations import migrate as migrate_database


@click.command("run")
@click.argument("roles", nargs=-1, type=click.Choice([role.value for role in Role]), metavar="[ROLE]...")
def run_roles(roles: tuple[str, ...]) -> None:
    """Run the daemon: the roles named, or all of them in one process.

    ROLE is web, stage-watcher, call-scheduler, dialer or ats-writeback.
    """
    sys.exit(run(_run([Role(role) for role in roles] or list(Role))))


async def _run(roles: list[Role]) -> int:
    config = Config.from_env().check_roles(roles)
    log.configure(config.log_format, config.log_level)
    return await process.run(config, roles)


@click.command()
def migrate() -> None:
    """Bring the database's tables to this version."""
    run(_migrate())


async def _migrate() -> None:
    config = Config.from_env().require("database_url")
    migrate_database(config.database_url)
    click.echo("The database is up to date.")
