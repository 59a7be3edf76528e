"""Every event leaves as one line of JSON, whoever logged it, with its ids and without anybody's data."""

from __future__ import annotations

import ast
import asyncio
import gc
import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import stamina
import structlog

from klara_daemon import log
from klara_daemon.app import broker_for
from klara_daemon.broker.carriage import BrokerLost
from klara_daemon.redaction import HIDDEN, redact

NUMBER = "+4915112345678"


def fail(error: Exception) -> None:
    raise error


class Lines(io.StringIO):
    """What was logged."""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def event(self) -> dict[str, Any]:
        (event,) = self.events
        return event


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, sys.unraisablehook, threading.excepthook)
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(capture=False)
    root.handlers, level, sys.excepthook, sys.unraisablehook, threading.excepthook = before
    root.setLevel(level)
    structlog.reset_defaults()
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def lines() -> Lines:
    written = Lines()
    log.configure("json", "info", written)
    return written


def test_an_event_is_one_line_with_time_level_logger_and_the_bound_ids(lines: Lines) -> None:
    message_id = uuid4()
    with structlog.contextvars.bound_contextvars(company_id=89564, candidate_id=64537342, message_id=message_id):
        log.get_logger("klara_daemon.actors.dialer").info("call_placed", attempt_number=2)
    assert list(lines.event)[:4] == ["timestamp", "level", "logger", "event"]
    at = datetime.fromisoformat(lines.event["timestamp"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert at.utcoffset() == timedelta(0)
    assert {**lines.event, "timestamp": None} == {
        "timestamp": None,
        "level": "info",
        "logger": "klara_daemon.actors.dialer",
        "event": "call_placed",
        "attempt_number": 2,
        "company_id": 89564,
        "candidate_id": 64537342,
        "message_id": str(message_id),
    }


def test_numbers_names_answers_and_tokens_do_not_come_out(lines: Lines) -> None:
    log.get_logger("klara").info(
        "interview_ended",
        name="Petra Müller",
        to=NUMBER,
        answers={"experience": "seven years"},
        webhook={"candidate": {"emails": ["petra@example.com"]}, "said": ["never again"]},
        reason=f"Authorization: Bearer sesame123 refused for {NUMBER}",
        database="postgresql://klara:hunter2@db/klara",
        candidate_id=64537342,
    )
    for told in ("Petra", "Müller", "5112345", "seven", "example.com", "never again", "sesame", "hunter2"):
        assert told not in lines.getvalue()
    assert lines.event["candidate_id"] == 64537342


def test_bound_personal_data_does_not_come_out_either(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(name="Petra", queue=NUMBER):
        log.get_logger("klara").info("step_done")
        logging.getLogger("aio_pika").warning("step done")
    assert "Petra" not in lines.getvalue()
    assert "5112345" not in lines.getvalue()
    assert len(lines.events) == 2


@pytest.mark.parametrize("name", ["aiohttp.server", "aio_pika.robust_connection", "aiormq.channel", "asyncio", "x"])
def test_the_libraries_go_through_the_same_chain(lines: Lines, name: str) -> None:
    logging.getLogger(name).error("cannot ring %s at %s", NUMBER, "amqp://klara:hunter2@rabbit/")
    assert lines.event["logger"] == name
    assert lines.event["level"] == "error"
    assert lines.event["event"] == "cannot ring [number] at amqp://[secret]@rabbit/"


def test_an_exception_is_told_with_its_causes_and_places_but_no_local_variables(lines: Lines) -> None:
    def ring(number: str) -> None:
        secret_of_this_frame = f"sesame {number}"
        try:
            fail(LookupError(f"no route to {secret_of_this_frame}"))
        except LookupError as error:
            error.add_note(f"while ringing {number}")
            raise RuntimeError("{'name': 'Petra', 'candidate_id': 64537342}") from error

    try:
        ring(NUMBER)
    except RuntimeError:
        log.get_logger("klara").exception("step_failed")
    after, cause = lines.event["exception"]
    assert (after["type"], cause["type"]) == ("RuntimeError", "LookupError")
    assert after["says"] == "{'name': [hidden], 'candidate_id': 64537342}"
    assert cause["says"] == "no route to sesame [number]\nwhile ringing [number]"
    assert [frame.rsplit(" ")[-1] for frame in after["frames"]] == [
        "test_an_exception_is_told_with_its_causes_and_places_but_no_local_variables",
        "ring",
    ]
    assert "test_log.py:" in after["frames"][0]
    assert "secret_of_this_frame" not in lines.getvalue()


def test_a_group_of_exceptions_is_told_one_by_one(lines: Lines) -> None:
    try:
        fail(ExceptionGroup("two", [ValueError(NUMBER), KeyError("a")]))
    except ExceptionGroup:
        log.get_logger("klara").exception("group_failed")
    (group,) = lines.event["exception"]
    assert [member[0]["says"] for member in group["group"]] == ["[number]", "'a'"]


def test_only_the_chosen_level_and_above_is_written() -> None:
    written = Lines()
    log.configure("json", "warning", written)
    log.get_logger("klara").info("call_placed")
    logging.getLogger("asyncio").info("hello")
    log.get_logger("klara").warning("trunk_full")
    assert written.event["event"] == "trunk_full"


def test_configuring_twice_does_not_say_everything_twice(lines: Lines) -> None:
    log.configure("json", "info", lines)
    log.get_logger("klara").info("call_placed")
    assert len(lines.events) == 1


def test_the_console_format_is_for_people_and_as_discreet() -> None:
    written = Lines()
    log.configure("console", "info", written)
    try:
        fail(ValueError(f"cannot ring {NUMBER}"))
    except ValueError:
        log.get_logger("klara").exception("step_failed", name="Petra", candidate_id=64537342)
    said = written.getvalue()
    assert "step_failed" in said
    assert "candidate_id=64537342" in said
    assert "ValueError: cannot ring [number]" in said
    assert "Petra" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize("text", ["two\nlines", "\ud800", "\x00", "ü" * 3, "\u2028", "مرحبا"])
def test_any_text_stays_one_line(lines: Lines, text: str) -> None:
    log.get_logger("klara").info("step_done", reason=text)
    assert lines.event["reason"] == text


def test_what_cannot_be_rendered_loses_only_itself_and_tells_nothing(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("json", "info", lines)  # as the only handler: the test runner's own one raises
    logging.getLogger("aiormq").error("at %d", "Petra")
    log.get_logger("klara").info("step_done")
    assert [event["event"] for event in lines.events] == ["log_event_lost", "step_done"]
    assert lines.events[0]["logger"] == "aiormq"
    assert "Petra" not in lines.getvalue() + capsys.readouterr().err


def test_a_log_that_nobody_reads_any_more_disturbs_nobody(lines: Lines) -> None:
    log.configure("json", "info", lines)
    lines.close()
    log.get_logger("klara").info("step_done")


async def test_a_request_that_is_repeated_is_an_event_in_our_style_without_its_arguments(lines: Lines) -> None:
    @stamina.retry(on=OSError, attempts=2, wait_initial=0.001, wait_jitter=0)
    async def ask(token: str) -> None:
        raise OSError("nobody there")

    with pytest.raises(OSError, match="nobody there"):
        await ask("t0ken")
    assert {key: lines.event[key] for key in ("level", "event", "retry", "wait_s", "cause")} == {
        "level": "info", "event": "retry_scheduled", "retry": 1, "wait_s": 0.001, "cause": "nobody there",
    }  # fmt: skip
    assert "t0ken" not in lines.getvalue()


async def test_a_broker_that_is_away_is_not_told_twice(lines: Lines) -> None:
    broker = broker_for("amqp://klara:pa55@127.0.0.1:1/klara")
    with pytest.raises(BrokerLost):
        await broker.prepare()
    gc.collect()
    assert [event["event"] for event in lines.events if event["logger"].startswith("aio")] == []


class Terminal(Lines):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_colors_are_for_terminals_whose_owner_wants_them(
    monkeypatch: pytest.MonkeyPatch, no_color: str, colored: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal()
    log.configure("console", "info", terminal)
    log.get_logger("klara").info("call_placed")
    assert ("\x1b[" in terminal.getvalue()) == colored


def test_warnings_are_events_too(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log.configure("json", "info", lines)
        warnings.warn("an old way was used", DeprecationWarning, stacklevel=1)
    assert lines.event["logger"] == "py.warnings"


async def test_an_exception_that_nobody_awaited_is_told(lines: Lines) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": "lost", "exception": ValueError(NUMBER)})
    assert lines.event["logger"] == "asyncio"
    assert lines.event["exception"][0]["says"] == "[number]"


CRASH = f"""
import sys, threading
from klara_daemon import log
from klara_daemon.redaction import HIDDEN, redact
log.configure("json", "info")
class Fails:
    def __del__(self): raise ValueError("unraisable {NUMBER}")
Fails()
thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()
raise ValueError("uncaught {NUMBER}")
"""


def test_uncaught_exceptions_end_as_events_and_the_status_says_so() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [event["event"] for event in events] == ["exception_ignored", "thread_crashed", "process_crashed"]
    assert "5112345" not in ended.stderr
    assert ended.stdout == ""
    assert ended.returncode == 1


def logged() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the package that writes a log event, and where it stands."""
    package = Path(log.__file__).parent
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in LEVELS:
                    yield f"{path.relative_to(package)}:{node.lineno}", node


LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGED = dict(logged())


def test_every_event_of_ours_is_one_literal() -> None:
    def is_event(node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z]+)+", str(node.value)) is not None

    assert len(LOGGED) > 20
    assert [where for where, call in LOGGED.items() if len(call.args) != 1 or not is_event(call.args[0])] == []


def test_no_event_of_ours_is_written_with_a_key_that_is_hidden_anyway() -> None:
    def hidden(call: ast.Call) -> list[str]:
        keys = [key.arg for key in call.keywords if key.arg]
        return [key for key in keys if redact([{key: 1}, {key: "x"}]) == [{key: HIDDEN}, {key: HIDDEN}]]

    assert {where: keys for where, call in LOGGED.items() if (keys := hidden(call))} == {}
