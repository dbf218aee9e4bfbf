"""Measures whole processes with the operating system's own accounting."""

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run of a process cost.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of user and system time, children included.
        peak_mib: Largest resident set of the process or one of its children, MiB.
    """

    wall: float
    cpu: float
    peak_mib: float


def run_once(command: Sequence[str | Path], *, expect: int = 0) -> Cost:
    """Run a command, its output thrown away, and return what it cost.

    It finds its modules compiled, as an installed package has them, whatever the caller's Python is told.

    Raises:
        RuntimeError: It ended with another status than expected.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expect:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    unit = 1024 if os.uname().sysname == "Linux" else 1024 * 1024  # macOS counts bytes
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.peak_mib for cost in costs),
    )
