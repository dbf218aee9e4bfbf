"""A process that has imported autobump already, forks a pass whenever it is asked to, and can kill it.

A pass killed while Python starts tells nothing; forked from here, its whole life is the pass.
"""

import ctypes
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Ended:
    """How a pass ended.

    Attributes:
        status: Its exit code, or the negative number of the signal that killed it.
        seconds: How long it took.
        errors: What it wrote to stderr.
    """

    status: int
    seconds: float
    errors: str


class WarmPasses:
    """Runs passes one after the other, each in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._errors = folder / "stderr.txt"

    def run(self, *arguments: str, kill_after: float | None = None, with_git: bool = False) -> Ended:
        """Run a command, and wait until it and every git it started have ended.

        Args:
            arguments: The command line.
            kill_after: Seconds after which it is killed.
            with_git: Kill what it started as well, as a container that ends does; else it alone, as the
                system does when memory runs out.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"arguments": arguments, "kill_after": kill_after, "with_git": with_git}
        self._process.stdin.write(json.dumps(request | {"errors": str(self._errors)}) + "\n")
        self._process.stdin.flush()
        status, seconds = json.loads(self._process.stdout.readline())
        return Ended(status, seconds, self._errors.read_text())


@contextmanager
def warm_passes(folder: Path, environment: Mapping[str, str]) -> Iterator[WarmPasses]:
    """Start the process in a folder; it ends with the block."""
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm"],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(_PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield WarmPasses(process, folder)


def _serve() -> None:
    import autobump

    for module in pkgutil.walk_packages(autobump.__path__, "autobump."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    # What a killed pass leaves running becomes a child of this process, which can wait for it then.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for line in sys.stdin:
        print(json.dumps(_perform(**json.loads(line))), flush=True)  # noqa: T201 - the answer


def _perform(
    arguments: list[str], kill_after: float | None, with_git: bool, errors: str
) -> tuple[int, float]:
    from autobump.cli import run_command

    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        with Path(errors).open("wb") as file, Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os._exit(run_command(arguments))
    if kill_after is not None:
        time.sleep(kill_after)
        # Nobody waited for it yet, so the number is still its own.
        (os.killpg if with_git else os.kill)(child, signal.SIGKILL)
    _, waited = os.waitpid(child, 0)
    seconds = time.monotonic() - started
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return os.waitstatus_to_exitcode(waited), seconds


if __name__ == "__main__":
    _serve()
