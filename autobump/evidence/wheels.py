"""Fetches what unit tests need beside the image: pytest and its usual plugins, for the image's Python."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autobump.support.printable import printable

PACKAGES = ("pytest", "pytest-mock", "requests-mock", "freezegun")
"""What unit tests of content import, beside what their image has."""

_TAGS = {"CPython": "cp", "PyPy": "pp"}
_SECONDS = 600


class NoWheelsError(Exception):
    """They are not to be had; the message says why."""


def fetch_wheels(python: tuple[int, ...], implementation: str, folder: Path) -> Path:
    """Return a folder with the packages, which is made when it is missing.

    Args:
        python: Version of the image's Python.
        implementation: `CPython` or `PyPy`.
        folder: Where such folders lie; wheels of one Python are fetched once.

    Raises:
        NoWheelsError: pip cannot get them.
    """
    tag = f"{_TAGS.get(implementation, 'py')}{python[0]}{python[1]}"
    ready = folder / tag
    if ready.is_dir():
        return ready
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f"{tag}-", dir=folder))
    except OSError as exc:
        raise NoWheelsError(f"{folder} cannot be written: {exc.strerror}") from exc
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
        "--target", str(made), "--only-binary", ":all:", "--no-compile",
        "--python-version", f"{python[0]}.{python[1]}",
        "--implementation", _TAGS.get(implementation, "py"), *PACKAGES,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["pip says nothing"]
            raise NoWheelsError(printable(said[-1])[:200])
        made.chmod(0o755)
        made.rename(ready)
    except OSError as exc:
        if ready.is_dir():  # another process was sooner
            return ready
        raise NoWheelsError(exc.strerror or str(exc)) from exc
    except subprocess.TimeoutExpired as exc:
        raise NoWheelsError(f"pip did not end within {_SECONDS} seconds") from exc
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return ready
