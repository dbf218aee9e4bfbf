"""Measures the memory that reading a text or a whole pass takes, as the operating system sees it."""

import os
import subprocess
import sys
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]
# From a small process: the system counts what the process that starts another one held as that one's own.
_MEASURE_RUN = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, file=sys.stderr)
"""

_MEASURE = """
import resource, sys
{imports}
text = sys.stdin.buffer.read().decode()
unit = 1024 if sys.platform == "linux" else 1
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{statement}
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit)
"""


def bytes_to_read(text: str, imports: str, statement: str) -> int:
    """Return by how much the peak of a fresh process grows.

    What a regular expression remembers of its way is no memory of Python's own, so `tracemalloc` misses it.

    Args:
        text: What the process gets as `text`.
        imports: A statement run before.
        statement: The statement that is measured; a failure of it is one of the test.
    """
    code = _MEASURE.format(imports=imports, statement=statement)
    done = subprocess.run([sys.executable, "-c", code], input=text.encode(), capture_output=True, check=True)
    return int(done.stdout)


def measure_pass(folder: Path, *arguments: str) -> tuple[int, float, str, str]:
    """Run autobump in a process of its own.

    Args:
        folder: Where it runs.
        arguments: Its command line.

    Returns:
        Its exit code, its peak in MiB with its children's, and what it wrote to stdout and stderr.
    """
    out, err = folder / "out.json", folder / "err.txt"
    command = [sys.executable, "-c", _MEASURE_RUN, sys.executable, "-m", "autobump", *arguments]
    environment = os.environ | {"PYTHONPATH": str(_PROJECT)}
    with out.open("wb") as stdout, err.open("wb") as stderr:
        subprocess.run(command, stdout=stdout, stderr=stderr, cwd=folder, env=environment, check=True)
    *told, measured = err.read_text().splitlines()
    status, peak = measured.split()
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    return int(status), int(peak) / unit, out.read_text(), "\n".join(told)
