"""Finds the programs that tests need beside Python packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from autobump.lock import hold_lock


def install_packages(folder: Path, what: str) -> Path:
    """Install what the npm lock file of a folder names, if it is not there yet, and return `node_modules`.

    Args:
        folder: Where `package-lock.json` is.
        what: What needs it, for the message.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        miss(f"{what} needs Node.js 20 with npm; install them to run these tests")
    return install_node_modules(folder)


def install_node_modules(folder: Path) -> Path:
    """Install what a lock file names, once: the tests run in several processes, and npm shares no folder."""
    modules = folder / "node_modules"
    with hold_lock(None, f"npm in {folder}", wait=True):
        # npm writes this file when all else is there.
        if not (modules / ".package-lock.json").exists():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return modules


def find_program(name: str) -> Path:
    """Return a program that came with the development environment."""
    program = Path(sys.executable).parent / name
    if not program.exists():
        miss(f"{name} is not in this environment; pip install -e '.[dev]' brings it")
    return program


def miss(message: str) -> NoReturn:
    """Skip the test and say why; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
