"""`klara-daemon demo` as a person runs it: it tells its story, shows its pages, ends as it went, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from typing import Final

import aiohttp
import pytest

from klara_daemon.demo.people import PEOPLE
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.telling import _OUTCOMES
from tests.eventually import eventually

COMPLETE: Final = "The story is complete, and everybody ended where they must."
#: One person only, who has to end as the last argument says.
ONE_PERSON: Final = """
import dataclasses, sys
from klara_daemon.__main__ import main
from klara_daemon.demo import people
people.PEOPLE = (dataclasses.replace(people.PEOPLE[0], outcome=people.Outcome(sys.argv.pop())),)
main()
"""


@dataclass
class Demo:
    """One run, as its terminal shows it; what it may leave behind is looked for in its own temporary folder."""

    process: asyncio.subprocess.Process
    folder: Path
    began: float = field(default_factory=monotonic)
    lines: list[str] = field(default_factory=list)

    async def until(self, words: str) -> None:
        """Read on until a line holds these words."""
        assert self.process.stdout is not None
        async with asyncio.timeout(90):
            while not any(words in line for line in self.lines[-1:]):
                line = await self.process.stdout.readline()
                assert line, f"it ended without “{words}”:\n{self.text}"
                self.lines.append(line.decode().rstrip("\n"))

    async def ended(self) -> int:
        """Its exit status; what it still says is read."""
        async with asyncio.timeout(90):
            rest, _ = await self.process.communicate()
        self.lines += rest.decode().splitlines()
        assert self.process.returncode is not None
        return self.process.returncode

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ctrl-C: a terminal signals the whole group."""
        os.killpg(self.process.pid, number)

    @property
    def text(self) -> str:
        """All that it has said."""
        return "\n".join(self.lines)

    @property
    def pages(self) -> list[str]:
        """The addresses that it shows."""
        return re.findall(r"http://127\.0\.0\.1:\d+/", self.text)

    async def leaves_nothing(self) -> None:
        """No file, no process, no port."""
        await eventually(lambda: not self._processes(), within=15, saying="no process")
        assert list(self.folder.iterdir()) == []
        for page in self.pages:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", int(page.rstrip("/").rpartition(":")[2])), timeout=5)

    def _processes(self) -> list[str]:
        found = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = command.read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in words:
                found.append(words.decode(errors="replace"))
        return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that everybody may enter: a Postgres that root starts is nobody's."""
    made = Path(mkdtemp(prefix="klara-test-demo-", dir="/tmp"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


async def begin(folder: Path, *command: str) -> Demo:
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "110"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    return Demo(process, folder)


async def test_the_story_is_told_and_shown_until_ctrl_c(folder: Path) -> None:
    demo = await begin(folder, "-m", "klara_daemon", "demo")
    await demo.until(COMPLETE)
    assert monotonic() - demo.began < 60
    recruitee, telephone = [await get(page) for page in demo.pages]
    demo.interrupt()
    assert await demo.ended() == 0, demo.text
    await demo.leaves_nothing()

    in_time = demo.text.index(demo.pages[1]) < demo.text.index("Monday 7 September")
    assert in_time, "the pages are shown first"
    assert re.findall(r"(?m)^(\w+day \d+ \w+)$", demo.text) == ["Monday 7 September", "Tuesday 8 September"]
    for person in PEOPLE:
        assert person.name in recruitee
        assert (person.name in telephone) == (person.outcome is not Outcome.UNCALLABLE)
        about = [line for line in demo.lines if f"  {person.name}  " in line]
        assert f"{_OUTCOMES[person.outcome]}" in "\n".join(about)
    for words in (
        "was moved from “Beworben” to “Telefoninterview”",
        "call 1: Klara rings",
        "asked “Ab wann können Sie anfangen?”, says “Ab dem ersten Oktober.”",
        "call 1: nobody answered",
        "next call: Monday 7 September, 14:00",
        "next call: Tuesday 8 September, 09:00",
        "call 1: the line was busy",
        "call 1: a mailbox answered; Klara hung up without a word",
        "call 1: the call broke off before the last question",
        "call 1: the number is not in service",
        "note written to Recruitee: “Ergebnis: Alle nötigen Fragen sind beantwortet.”",
        "was moved on to “Gespräch vor Ort” by Klara",
    ):
        assert words in demo.text
    assert "Sieben Jahre." in recruitee
    assert "Sieben Jahre." in telephone
    assert all(len(line) <= 110 for line in demo.lines)
    assert not re.search(r"None|Traceback|\x1b|_[a-z]|\bFalse\b|\bTrue\b", demo.text)


async def get(page: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(page) as answer:
        assert answer.status == 200
        return unescape(await answer.text())


async def test_a_story_that_does_not_end_as_it_must_ends_with_status_1(folder: Path) -> None:
    demo = await begin(folder, "-c", ONE_PERSON, "demo", "--once", "refused")
    assert await demo.ended() == 1, demo.text
    assert demo.lines[-2:] == [
        "NOT AS IT MUST BE: Erika Mustermann ended completed, not refused",
        "NOT AS IT MUST BE: Erika Mustermann stands in “Gespräch vor Ort”",
    ]
    await demo.leaves_nothing()


async def test_ctrl_c_ends_it_while_it_starts(folder: Path) -> None:
    demo = await begin(folder, "-m", "klara_daemon", "demo", "--once")
    await demo.until("Starting a Postgres")
    demo.interrupt()
    assert await demo.ended() == 130, demo.text
    assert demo.pages == [], "it does not begin any more"
    assert "Traceback" not in demo.text
    await demo.leaves_nothing()


async def test_sigterm_in_the_middle_of_the_story_ends_it_too(folder: Path) -> None:
    demo = await begin(folder, "-m", "klara_daemon", "demo", "--once")
    await demo.until("Klara rings")
    demo.interrupt(signal.SIGTERM)
    assert await demo.ended() == 143, demo.text
    assert demo.lines[-1] == "Stopped."
    assert "Traceback" not in demo.text
    await demo.leaves_nothing()
