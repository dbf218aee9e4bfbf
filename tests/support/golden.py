"""Compares texts with those agreed on; `make golden` writes them anew, for a review of the diff."""

import os
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "golden"


def check_golden(name: str, text: str) -> None:
    """Require that a text is the one in `tests/golden/<name>`."""
    check_text(_FOLDER / name, text)


def check_text(path: Path, text: str) -> None:
    """Require that a text is the one in a file."""
    if os.environ.get("AUTOBUMP_GOLDEN") == "write":
        path.write_text(text, "utf-8", newline="\n")
    assert text == path.read_text("utf-8")
