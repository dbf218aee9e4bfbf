"""Measures the memory that reading a text takes, as the operating system sees it."""

import subprocess
import sys

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
