"""Runs situations from public bug reports that lie beside the checkout, each with a command that ends 0.

Run as `make cases`. In CI a missing folder is a failure; elsewhere there is nothing to run, and it says so.
"""

import os
import subprocess
import sys
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "cases"
_SECONDS = 300


def main() -> int:
    """Run every case, print a line each, and return an exit code."""
    folder = Path(os.environ.get("AUTOBUMP_CASES", _BESIDE))
    cases = sorted(folder.glob("*/case.sh"))
    if not cases:
        print(f"there are no cases in {folder}; name a folder with AUTOBUMP_CASES")  # noqa: T201 - a program
        return 1 if os.environ.get("CI") else 0
    # The cases share their ports, so they run one after the other.
    failed = [case.parent.name for case in cases if not passes(case)]
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")  # noqa: T201 - a program
    return 1 if failed else 0


def passes(case: Path) -> bool:
    """Run one case and print what came of it, with its output when it is wrong."""
    environment = os.environ | {"AUTOBUMP": str(Path(sys.executable).with_name("autobump"))}
    try:
        done = subprocess.run(
            ["bash", str(case)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        status, output = str(done.returncode), done.stdout + done.stderr
    except subprocess.TimeoutExpired as exc:
        status, output = "no end", str(exc.stdout)
    print(f"{'right' if status == '0' else f'WRONG ({status})'}: {case.parent.name}", flush=True)  # noqa: T201 - a program
    if status != "0":
        print(output, flush=True)  # noqa: T201 - a program
    return status == "0"


if __name__ == "__main__":
    sys.exit(main())
