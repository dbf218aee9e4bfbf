"""Installs demisto-sdk into an environment of its own; needs nothing but Python itself.

Run as `make sdk`, which can be done while something else is set up.
"""

import shutil
import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / ".sdk-venv"
_SDK = "demisto-sdk==1.39.13"


def install_sdk() -> Path:
    """Install demisto-sdk if it is not there yet, and return its program."""
    ready = _FOLDER / _SDK
    if not ready.exists():
        shutil.rmtree(_FOLDER, ignore_errors=True)
        subprocess.run([_find_python(), "-m", "venv", _FOLDER], check=True)
        pip = [str(_FOLDER / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, _SDK], check=True)
        ready.touch()
    return _FOLDER / "bin" / "demisto-sdk"


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
