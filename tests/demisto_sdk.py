"""Installs demisto-sdk into an environment of its own.

Run as `make sdk`, which can be done while something else is set up.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / ".sdk-venv"
_SDK = "demisto-sdk==1.39.13"
QUIET = {"DEMISTO_SDK_SKIP_VERSION_CHECK": "true", "DEMISTO_SDK_DISABLE_TELEMETRY": "true"}
"""Variables with which demisto-sdk asks nobody anything."""


def install_sdk() -> Path:
    """Install demisto-sdk if it is not there yet, and return its program; only one does that at a time."""
    ready, program = _FOLDER / _SDK, _FOLDER / "bin/demisto-sdk"
    with _one_at_a_time():
        if not ready.exists():
            shutil.rmtree(_FOLDER, ignore_errors=True)
            subprocess.run([_find_python(), "-m", "venv", "--without-pip", _FOLDER], check=True)
            # The pip that is there already, which is newer than that of Python, takes half the time.
            pip = [sys.executable, "-m", "pip", "--python", str(_FOLDER), "--disable-pip-version-check"]
            uv = os.environ.get("UV")
            command = [uv, "pip", "install", "--python", str(_FOLDER)] if uv else [*pip, "install"]
            subprocess.run([*command, "--quiet", _SDK], check=True)
            _start_once(program)
            ready.touch()
    return program


def _start_once(program: Path) -> None:
    """Compile what demisto-sdk imports: sdk-check starts several at once, and each would do so."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, "Packs").mkdir()  # it looks for packs wherever it is started
        environment = os.environ | QUIET | {"HOME": home}
        start = [str(program), "validate", "--help"]
        subprocess.run(start, cwd=home, check=True, capture_output=True, env=environment)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    folder = os.open(_FOLDER.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _find_python() -> str:
    """Return a Python that demisto-sdk 1.39 runs on."""
    if sys.version_info[:2] in ((3, 11), (3, 12)):
        return sys.executable
    found = shutil.which("python3.11") or shutil.which("python3.12")
    if found is None:
        raise SystemExit("demisto-sdk 1.39 needs Python 3.11 or 3.12 on the PATH")
    return found


if __name__ == "__main__":
    install_sdk()
