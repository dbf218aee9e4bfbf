"""Opens a page in a real, headless Chromium and tells what was seen."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.tools import install_node_modules, miss

_FOLDER = Path(__file__).resolve().parents[1] / "browser"
_CHROMIUM = Path("/usr/bin/chromium")


def look_at(page: Path, profile: Path, filters: list[str]) -> dict[str, Any]:
    """Open a report from its file, use it, and return what `look.mjs` saw.

    Args:
        page: The report.
        profile: An empty folder for the browser's own files.
        filters: What is typed into the filter, one after the other.
    """
    _require_browser()
    command = ["node", str(_FOLDER / "look.mjs"), str(page), str(profile), *filters]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def _require_browser() -> None:
    """Install the driver by its lock file; without a browser the test is skipped, in CI that is a failure."""
    if not (_CHROMIUM.exists() and shutil.which("node") and shutil.which("npm")):
        message = "the report is opened in Debian's chromium by Node.js 20 with npm; install them to run this"
        miss(message)
    install_node_modules(_FOLDER)
