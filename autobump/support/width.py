"""Keeps what a person reads to the width of the terminal: lines break between words, and paths at slashes."""

import os
import re
import shutil
import sys

from rich.cells import cell_len

NARROWEST = 18
"""Columns that a word or a part of a path keeps in one line, where the terminal has them."""

WIDE = 80
"""Columns from which a table may show all it has."""

_PARTS = re.compile(r"[^\s/]*(?:/+|\s+|$)")
_LAST_COLUMN = re.compile(r".*\S {2,}(?=\S)")


def find_width() -> int | None:
    """Return the columns of the terminal, or those that `COLUMNS` says; None for any number, as in a pipe."""
    said = os.environ.get("COLUMNS", "")
    if sys.stdout.isatty() or (said.isdecimal() and int(said)):
        return shutil.get_terminal_size().columns
    return None


def longest_part(text: str) -> int:
    """Return the columns of the longest part of a text that is not to be broken."""
    return max((cell_len(part.rstrip()) for part in _PARTS.findall(text)), default=0)


def fold(text: str, width: int, hanging: int = 0) -> list[str]:
    """Break a text at spaces and behind slashes, and anywhere only where there are none.

    Args:
        text: One line.
        width: Columns that the lines keep to, 1 or more.
        hanging: Spaces before all lines but the first.
    """
    lines, margin = [""], " " * hanging
    for part in _PARTS.findall(text):
        if lines[-1].strip() and cell_len(lines[-1] + part.rstrip()) > width:
            lines.append(margin)
        whole = lines.pop() + part
        while cell_len(whole.rstrip()) > width:
            least = len(margin) + 1
            cut = next(at for at in range(len(whole), 0, -1) if at <= least or cell_len(whole[:at]) <= width)
            lines.append(whole[:cut])
            whole = margin + whole[cut:]
        lines.append(whole)
    return [line.rstrip() for line in lines]


def wrap(line: str, width: int | None) -> str:
    """Break a line of columns, with two spaces or more between them, so that the last one keeps its place.

    Args:
        line: The line.
        width: Columns of the terminal; None for any number.
    """
    if width is None or cell_len(line) <= width:
        return line
    before = _LAST_COLUMN.match(line)
    indent = cell_len(before[0]) if before else 0
    return "\n".join(fold(line, width, indent if indent <= width // 2 else 4))
