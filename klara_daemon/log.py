"""One event a line: our events and the libraries' go through one chain, and nobody's data comes out of it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.stdlib import LoggerFactory, ProcessorFormatter, add_log_level, add_logger_name
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, FilteringBoundLogger, Processor, WrappedLogger

from klara_daemon.redaction import redact

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import TracebackType

_WITHOUT_LOCALS = ExceptionDictTransformer(show_locals=False)
_FIRST = ("timestamp", "level", "logger", "event")


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module (`__name__`). Its events are past-tense literals, the details are keys."""
    return cast("FilteringBoundLogger", structlog.stdlib.get_logger(name))


def configure(log_format: str = "json", level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log event of this process, and every uncaught exception, to the stream (standard error unless given).

    `log_format` is `json` (one object a line) or `console` (for people); `level` is the lowest that is written.
    """
    stream = stream or sys.stderr
    arriving: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_log_level,
        add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*arriving, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=arriving, processors=_leaving(log_format, stream)))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)  # who loses the broker says so, once
    logging.captureWarnings(capture=True)
    set_on_retry_hooks([_log_retry])
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_thread_end


def redact_event(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A processor: the event without personal data and secrets, what every event has in front."""
    redacted = cast("dict[str, object]", redact(event_dict))
    return {key: redacted[key] for key in _FIRST if key in redacted} | redacted


def _leaving(log_format: str, stream: TextIO) -> list[Processor]:
    if log_format == "console":
        colors = stream.isatty() and not os.environ.get("NO_COLOR")
        renderer = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
        return [ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info, redact_event, renderer]
    renderers: list[Processor] = [
        structlog.processors.ExceptionRenderer(_tell_exception),
        redact_event,
        structlog.processors.JSONRenderer(),
    ]
    return [ProcessorFormatter.remove_processors_meta, *renderers]


def _tell_exception(exc_info: ExcInfo) -> list[dict[str, object]]:
    return [_shorten(told) for told in _WITHOUT_LOCALS(exc_info)]


def _shorten(told: dict[str, Any]) -> dict[str, object]:
    """One exception as it is logged: each frame of its traceback is one text, where and in which function."""
    return {
        "type": told["exc_type"],
        "says": "\n".join([told["exc_value"], *told["exc_notes"]]),
        "frames": [f"{frame['filename']}:{frame['lineno']} {frame['name']}" for frame in told["frames"]],
        "group": [[_shorten(inner) for inner in member] for member in told["exceptions"]],
    }


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to a stream. What cannot be rendered is told without its content, which the library would print."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the library's name
        failure = sys.exc_info()[0]
        told = {"level": "error", "logger": record.name, "event": "log_event_lost", "failure": str(failure)}
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more; that ends no call
            self.stream.write(f"{json.dumps(told)}\n")


def _log_retry(details: RetryDetails) -> None:
    """In place of stamina's own event, which shows the arguments."""
    get_logger(__name__).info(
        "retry_scheduled", retry=details.retry_num, wait_s=round(details.wait_for, 3), cause=str(details.caused_by)
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    get_logger(__name__).critical("process_crashed", exc_info=(kind, error, traceback))


def _log_thread_end(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        get_logger(__name__).critical("thread_crashed", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _log_unraisable(args: UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        get_logger(__name__).error("exception_ignored", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
