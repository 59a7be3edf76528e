"""Writes `sql/schema.sql`, what the migrations come to, or tells whether it still is (`--check`)."""

import asyncio
import difflib
import re
import subprocess
import sys
from pathlib import Path

import asyncpg

from klara_daemon.demo.embedded_postgres import EmbeddedPostgres, embedded_postgres
from klara_daemon.store.migrations import migrate

SCHEMA = Path(__file__).with_name("schema.sql")

_DATABASE = "klara"
_DUMP_WITHIN_S = 60.0
# What differs from one run, or one minor version of Postgres, to the next.
_PASSING = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from database|by pg_dump) version .*)\n", re.MULTILINE)


def dumped() -> str:
    """The schema of a database that has seen nothing but the migrations."""
    with embedded_postgres() as server:
        asyncio.run(_create_database(server))
        migrate(server.url(_DATABASE))
        command = [str(server.program("pg_dump")), "--schema-only", "--no-owner", f"--dbname={server.url(_DATABASE)}"]
        dump = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_DUMP_WITHIN_S).stdout
    return re.sub(r"\n{3,}", "\n\n", _PASSING.sub("", dump)).strip() + "\n"


async def _create_database(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute(f"CREATE DATABASE {_DATABASE}")
    await connection.close()


def main(*arguments: str) -> int:
    """The exit status: 1 when `--check` finds a difference."""
    schema = dumped()
    if "--check" not in arguments:
        SCHEMA.write_text(schema)
        return 0
    kept = SCHEMA.read_text() if SCHEMA.exists() else ""
    difference = difflib.unified_diff(
        kept.splitlines(), schema.splitlines(), "sql/schema.sql", "what the migrations come to", lineterm=""
    )
    for line in difference:
        print(line)
    if kept != schema:
        print("sql/schema.sql is not what the migrations come to: run `make schema` and commit it", file=sys.stderr)
    return int(kept != schema)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
