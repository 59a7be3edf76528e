"""The command line."""

from __future__ import annotations

import click

from klara_daemon import __version__, log
from klara_daemon.commands import (
    calling,
    checking,
    company,
    demo,
    explain,
    optout,
    parked,
    running,
    secrets,
    settings,
    timeline,
)


@click.group()
@click.version_option(__version__, prog_name="klara-daemon")
def main() -> None:
    """Klara phones candidates who are moved into a watched stage of Recruitee. See the README."""
    log.configure("console", "error")  # what a command has to say it prints; `run` does as the environment says


for command in (
    running.run_roles,
    running.migrate,
    settings.group,
    company.group,
    secrets.group,
    timeline.show,
    explain.explain,
    parked.group,
    calling.group,
    optout.group,
    checking.check,
    demo.demo,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
