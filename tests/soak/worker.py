"""Makes passes in one process that outlives all faults, and tells after each what it holds.

Run as a program: it reads a line of JSON for each pass on stdin and answers with one on stdout. Nothing but
autobump is at work in it, so that what grows in it is autobump's.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_sleep = time.sleep
_ROOT = Path(__file__).resolve().parents[2]
_DRAIN_SECONDS = 60


@dataclass(frozen=True)
class Holding:
    """What a process holds: memory in KiB, open files, threads."""

    resident_kib: int
    files: int
    threads: int


@dataclass(frozen=True)
class Ended:
    """How a pass ended: its exit code, negative for a signal, and what the process held then."""

    status: int
    holding: Holding | None = None


class Worker:
    """A process that makes passes."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        """Start it; what it says goes to a log."""
        self.log = log
        own = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBUMP_")}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                cwd=_ROOT,
                env=own | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
            )

    def begin(self, arguments: list[str], *, patience: float = 0, at_rest: bool = False) -> None:
        """Begin a pass.

        Args:
            arguments: Of the command line.
            patience: Longest time in seconds to wait for an answer; 0 for as long as autobump does.
            at_rest: Collect garbage before telling what it holds.
        """
        assert self._process.stdin is not None
        order = {"arguments": arguments, "patience": patience, "at_rest": at_rest}
        self._process.stdin.write(json.dumps(order) + "\n")

    def end(self) -> Ended:
        """Wait for the end of the pass."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return Ended(self._process.wait())
        told = json.loads(line)
        return Ended(told["status"], Holding(told["resident_kib"], told["files"], told["threads"]))

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """End it, whatever it does, and wait for that."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _work() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs behind it without
    time.sleep = lambda _: None  # before autobump is imported: no pass waits for a second try
    from requests.adapters import HTTPAdapter

    from autobump.cli import run_command

    send, patience = HTTPAdapter.send, [0.0]

    def send_impatiently(self: HTTPAdapter, request: Any, **options: Any) -> Any:
        return send(self, request, **options | ({"timeout": patience[0]} if patience[0] else {}))

    HTTPAdapter.send = send_impatiently  # type: ignore[method-assign, assignment]  # so that nobody waits for minutes
    for line in sys.stdin:
        order = json.loads(line)
        patience[0] = order["patience"]
        try:
            status = run_command(order["arguments"])
        except KeyboardInterrupt:
            status = 130
        print(json.dumps({"status": status, **_look(at_rest=order["at_rest"])}), flush=True)


def _look(*, at_rest: bool) -> dict[str, int]:
    """Return what the process holds, once the threads of a pass that was interrupted are gone."""
    patience = time.monotonic() + _DRAIN_SECONDS
    while threading.active_count() > 1 and time.monotonic() < patience:
        _sleep(0.002)
    if at_rest:
        gc.collect()
    status = Path("/proc/self/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return {"resident_kib": resident, "files": files, "threads": threading.active_count()}


if __name__ == "__main__":
    _work()
