"""Who does something by hand, and why: the options of commands that keep it."""

from __future__ import annotations

import getpass

import click

from klara_daemon.domain.dialogue.speakable import one_line

LONGEST_WHO = 200
LONGEST_WHY = 500


def _who(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str:
    return _user() if given is None else _short(given, LONGEST_WHO)


def _why(_context: click.Context, _parameter: click.Parameter, given: str) -> str:
    return _short(given, LONGEST_WHY)


def _short(given: str, limit: int) -> str:
    """The text in one line, as it is kept and shown."""
    text = one_line(given)
    if not text or len(text) > limit:
        raise click.BadParameter(f"must be a text of up to {limit} characters, not blank")
    return text


def _user() -> str:
    try:
        return getpass.getuser()[:LONGEST_WHO]
    except (OSError, KeyError):
        return "klara-daemon"


WHO = click.option("--who", callback=_who, help="Who is named as doing it.  [default: the user of this system]")
WHY = click.option("--why", required=True, callback=_why, help="Why, for those who ask later.")
