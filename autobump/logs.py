"""Logs go to stderr, one line per event; messages are fixed, what differs stands behind them."""

import logging
import sys

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class _LineFormatter(logging.Formatter):
    """Writes `autobump: warning: message (key=value, …)`."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        facts = ", ".join(f"{name}={value}" for name, value in extra.items())
        line = f"autobump: {record.levelname.lower()}: {record.getMessage()}{f' ({facts})' if facts else ''}"
        return line.replace("\n", " ")


def start_logging(verbosity: int) -> None:
    """Log warnings, with 1 also what is done, with 2 every detail; only autobump's own loggers."""
    logger = logging.getLogger("autobump")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    logger.addHandler(handler)
    logger.setLevel(_LEVELS[min(verbosity, 2)])
    logger.propagate = False
