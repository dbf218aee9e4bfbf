"""Starts `autobump schedule` as a process, and follows its log."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

Line = dict[str, Any]

_PATIENCE_SECONDS = 60
_ROOT = Path(__file__).resolve().parents[2]


class Service:
    """A running service; every wait ends with what was waited for, or fails with the log."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[Line] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def select(self, message: str, **fields: object) -> list[Line]:
        """Return the lines of the log with a message and these fields."""
        wanted = {"message": message, **fields}.items()
        with self._news:
            return [line for line in self.lines if wanted <= _hashable(line)]

    def wait_for(self, message: str, count: int = 1, **fields: object) -> Line:
        """Wait until the log has so many such lines, and return the last one."""
        self.wait_until(
            lambda: len(self.select(message, **fields)) >= count, f"{count} times {message} {fields}"
        )
        return self.select(message, **fields)[count - 1]

    def wait_for_next(self, message: str, count: int = 1, **fields: object) -> Line:
        """Wait until the log has so many more such lines than now."""
        return self.wait_for(message, len(self.select(message, **fields)) + count, **fields)

    def get(self, path: str) -> requests.Response:
        """Ask its status server."""
        line = self.wait_for("listening")
        return requests.get(f"http://{line['host']}:{line['port']}{path}", timeout=10)

    def wait_for_health(self, status: int) -> None:
        """Wait until /healthz answers with a status; a pass is judged a moment after its last line."""
        self.wait_until(lambda: self.get("/healthz").status_code == status, f"health {status}")

    def metric(self, name: str) -> float:
        """Return one number of /metrics, 0 when it is not there."""
        for line in self.get("/metrics").text.splitlines():
            if line.rpartition(" ")[0] == name:
                return float(line.rpartition(" ")[2])
        return 0

    def resident_kib(self) -> int:
        """Return how much memory it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def open_files(self) -> int:
        """Return how many files it has open now."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        code = self.process.wait(timeout=30)
        self._reader.join()
        return code

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so; asked again with every line of the log."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self._news:
            while not condition():
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not self._reader.is_alive()
                if left < 0 or ended:
                    log = "\n".join(str(line) for line in self.lines[-30:])
                    raise AssertionError(f"waited for {what}; the log ends with:\n{log}")
                self._news.wait(min(left, 0.5))

    def _read(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            try:
                line = json.loads(text)
            except ValueError:
                line = {"message": f"no JSON: {text.rstrip()}"}
            with self._news:
                self.lines.append(line)
                self._news.notify_all()


@contextmanager
def run_service(arguments: Sequence[str], **environment: str) -> Iterator[Service]:
    """Start `autobump schedule` and kill it when the block ends, if it still runs."""
    command = [sys.executable, "-m", "autobump", "--log-format", "json", "schedule", *arguments]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        service = Service(process)
        try:
            yield service
        finally:
            process.kill()


def _hashable(line: Line) -> set[tuple[str, Any]]:
    return {(name, value) for name, value in line.items() if not isinstance(value, list | dict)}
