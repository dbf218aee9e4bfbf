"""Measures whole processes with the operating system's own accounting."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
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
    launcher = _start_launcher()
    assert launcher.stdin is not None  # both are pipes
    assert launcher.stdout is not None
    launcher.stdin.write(json.dumps([str(part) for part in command]) + "\n")
    launcher.stdin.flush()
    wall, cpu, peak, ended = json.loads(launcher.stdout.readline())
    if ended != expect:
        raise RuntimeError(f"{command} ended with {ended}")
    unit = 1024 if os.uname().sysname == "Linux" else 1024 * 1024  # macOS counts bytes
    return Cost(wall, cpu, peak / unit)


@cache
def _start_launcher() -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.peak_mib for cost in costs),
    )
