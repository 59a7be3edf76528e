"""The commands that the pages show: those of the README run as written, all others exist with their options."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from klara_daemon.__main__ import main
from klara_daemon.demo.private_server import free_port
from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.demo.telephone_network import TelephoneNetwork
from tests.servers.databases import empty
from tests.servers.interfaces import PostgresServer

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMPANY, OFFER = 89564, 1181300
STAGES = [(8063176, "Telefoninterview", "phone_screen"), (8063177, "Gespräch", "interview"), (9, "Eingestellt", "hire")]
CALLER = "+4952112345670"
ACCOUNT, AUTH_TOKEN = "AC" + "0" * 32, "auth-token-of-the-readme"
#: In a shell that runs the README, the daemon is to go on by itself, and the next line waits until it is ready.
IN_THE_BACKGROUND = """\
klara-daemon run &
until "$PYTHON" -c "import urllib.request; urllib.request.urlopen('http://$KLARA_HEALTH_LISTEN/readyz')" 2> /dev/null
do kill -0 $!; sleep 0.5; done"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of ours that a page shows, in a block or in a sentence: where, and its words."""
    for page in PAGES:
        text = page.read_text("utf-8")
        shown = re.findall(r"`([^`\n]+)`", text) + [line for block in blocks(page, "sh") for line in block.splitlines()]
        for line in shown:
            for found in re.findall(r"(?<![\w/@.-])klara-daemon((?: +[\w.=/-]+)+)", line.split("#")[0]):
                yield page.name, found.split()


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=lambda value: " ".join(value) if value else "")
def test_every_command_that_is_shown_exists_with_its_options(page: str, words: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group):
        assert words, f"{page} shows half a command"
        assert words[0] in command.commands, f"{page} shows a command that does not exist: {words}"
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_every_target_of_make_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^ {4}|^|`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {"demo", "test", "check", "help"} <= shown <= targets


def test_no_page_shows_a_block_of_commands_that_no_test_runs() -> None:
    found = {page.name: len(blocks(page, "sh")) for page in PAGES if blocks(page, "(?:sh|bash|console|shell)")}
    assert found == {"README.md": 2, "settings.md": 3}, "test_settings_page.py runs those of settings.md"


def as_here(script: str, database_url: str, amqp_url: str, port: int) -> str:
    """The README's lines with what stands for something replaced by what it stands for here."""
    for placeholder, here in {
        "postgresql://klara:PASSWORD@db/klara": f"'{database_url}'",
        "amqp://klara:PASSWORD@mq/klara": f"'{amqp_url}'",
        "https://klara.example.com": f"http://127.0.0.1:{port}",
        "0.0.0.0:8080": f"127.0.0.1:{port}",
        "AC...": ACCOUNT,
        "AUTH_TOKEN=...": f"AUTH_TOKEN={AUTH_TOKEN}",
    }.items():
        assert script.count(placeholder) == 1, placeholder
        script = script.replace(placeholder, here)
    script, runs = re.subn(r"^klara-daemon run\b.*$", lambda _: IN_THE_BACKGROUND, script, flags=re.MULTILINE)
    assert runs == 1
    return script


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `klara-daemon` is this checkout."""
    program = tmp_path / "bin" / "klara-daemon"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m klara_daemon "$@"\n', "utf-8")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


async def run(script: str, folder: Path, environment: dict[str, str], typed: str) -> str:
    """Run a block in a shell, stopping at the first command that fails; what goes on behind it is ended."""
    said = folder / "printed"
    with said.open("wb") as printed:
        shell = await asyncio.create_subprocess_exec(
            "sh", "-ec", script, cwd=folder, env=environment, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=printed, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    try:
        async with asyncio.timeout(120):
            await shell.communicate(typed.encode())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, said.read_text("utf-8")
    return said.read_text("utf-8")


async def test_the_ten_lines_for_real_run_as_written(
    postgres_server: PostgresServer, amqp_url: str, tmp_path: Path, path: str
) -> None:
    _, ten_lines = blocks(ROOT / "README.md", "sh")
    (document,) = blocks(ROOT / "docs" / "settings.md", "json")
    (tmp_path / "company.json").write_text(document, "utf-8")
    (tmp_path / "token").write_text("the-token\n", "utf-8")
    recruitee = SmallRecruitee(lambda: datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    recruitee.add_company(COMPANY, "Example GmbH", "the-token")
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft", STAGES)
    await recruitee.start()
    network = TelephoneNetwork(account_sid=ACCOUNT, auth_token=AUTH_TOKEN, numbers={CALLER: ""})
    async with empty(postgres_server) as database_url, network as telephone:
        environment = {
            "PATH": path,
            "PYTHON": sys.executable,
            "KLARA_HEALTH_LISTEN": f"127.0.0.1:{free_port()}",
            "KLARA_RECRUITEE_API_URL": recruitee.url,
            "KLARA_TWILIO_API_URL": telephone.url,
        }
        script = as_here(ten_lines, database_url, amqp_url, free_port())
        printed = await run(script, tmp_path, environment, typed="the-secret\n")
    await recruitee.stop()

    assert "The database is up to date." in printed
    assert "Saved the settings of Example GmbH" in printed
    assert "Stored the token" in printed
    assert "Stored the webhook secret" in printed
    assert printed.endswith("All is well.\n")
