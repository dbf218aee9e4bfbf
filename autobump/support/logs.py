"""Logs go to stderr, one line per event; messages are fixed, what differs stands behind them."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from autobump.support.printable import printable
from autobump.support.secrets import redact

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_NO_FIELDS: Mapping[str, object] = {}

_fields: ContextVar[Mapping[str, object]] = ContextVar("autobump_log_fields", default=_NO_FIELDS)


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


def name_run() -> str:
    """Return a name for a run, by which its lines are found."""
    return uuid4().hex[:8]


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Put fields on every line that is logged while the block runs, from this thread and those it starts.

    A thread has them only if it was started with this thread's context.
    """
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


class TextFormatter(logging.Formatter):
    """Writes `autobump: warning: message (key=value, …)`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        fields = ", ".join(f"{name}={value}" for name, value in _extra_fields(record).items())
        line = (
            f"autobump: {record.levelname.lower()}: {record.getMessage()}{f' ({fields})' if fields else ''}"
        )
        return "".join(char if char.isprintable() else " " for char in redact(line))


class JsonFormatter(logging.Formatter):
    """Writes one JSON object; `time` is in UTC, numbers stay numbers."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | _extra_fields(record)
        # Before the encoding: it would spell a secret with a quote or a line end in another way.
        return json.dumps({name: _redacted(value) for name, value in document.items()})


def start_logging(verbosity: int, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Log warnings, with 1 also what is done, with 2 every detail; only autobump's own loggers."""
    logger = logging.getLogger("autobump")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.JSON else TextFormatter())
    logger.addHandler(handler)
    logger.setLevel(_LEVELS[min(verbosity, 2)])
    logger.propagate = False


def report_failure(*lines: str, error: BaseException | None = None) -> None:
    """Tell on stderr why a command ends: as lines for people, or as a line of the log where that is JSON.

    Args:
        lines: What failed. Text from outside in a line stays in it: control characters become escapes.
        error: The error that nobody foresaw, if it was one; shown with its traceback.
    """
    logger = logging.getLogger("autobump")
    if any(isinstance(handler.formatter, JsonFormatter) for handler in logger.handlers):
        logger.error("\n".join(lines), exc_info=error)
        return
    # Redacted before the escapes, which would spell a secret in another way.
    trace = redact("".join(traceback.format_exception(error))).splitlines() if error else []
    told = redact(f"autobump: {lines[0]}"), *(redact(line) for line in lines[1:])
    sys.stderr.write("".join(f"{printable(line)}\n" for line in (*trace, *told)))


def log_what_is_done() -> None:
    """Log at least what is done, as a service does."""
    logger = logging.getLogger("autobump")
    logger.setLevel(min(logger.level, logging.INFO))


def _extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    own = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
    error: dict[str, object] = {}
    if record.exc_info and record.exc_info[1] is not None:
        error = {"traceback": "".join(traceback.format_exception(record.exc_info[1]))}
    return {**_fields.get(), **own, **error}


def _redacted(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_redacted(element) for element in value]
    return redact(str(value))
