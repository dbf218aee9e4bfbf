"""Runs targets with atheris: `python -m fuzz TARGET --seconds N`, or all of them one after the other."""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz.seeds import corpus_seeds
from fuzz.targets import NAMES, load_target

_FINDINGS = Path("build/fuzz")
_MAX_INPUT_BYTES = 8192
_SLOW_SECONDS = 10
_MEMORY_MIB = 2048
_DONE = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_LAST = re.compile(r"^#(\d+)\t", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How fuzzing one target ended; `finding` is empty when nothing was found."""

    target: str
    executions: int
    minutes: float
    finding: str


def main() -> int:
    """Run what the command line asks for; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=(*NAMES, "all"))
    parser.add_argument("--seconds", type=int, default=180, help="for each target (default: 180)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        _fuzz_here(options.target, options.seconds)
    names = NAMES if options.target == "all" else (options.target,)
    outcomes = []
    for name in names:
        outcomes.append(_fuzz(name, options.seconds))
        print(_row(outcomes[-1]), flush=True)
    if len(outcomes) > 1:
        print("\n| target | executions | minutes | finding |\n| --- | --- | --- | --- |")
        print("\n".join(_row(outcome) for outcome in outcomes))
    return int(any(outcome.finding for outcome in outcomes))


def _fuzz(name: str, seconds: int) -> Outcome:
    """Fuzz a target in a process of its own, which ends at the first finding."""
    command = [sys.executable, "-m", "fuzz", name, "--seconds", str(seconds), "--here"]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    counted = _DONE.findall(told) or _LAST.findall(told)
    finding = ""
    if done.returncode:
        log = _FINDINGS / name / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(told)
        finding = f"see {log}"
    minutes = (time.monotonic() - started) / 60
    return Outcome(name, int(counted[-1]) if counted else 0, minutes, finding)


def _fuzz_here(name: str, seconds: int) -> None:
    """Fuzz a target in this process; does not return."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is missing; install the extra: pip install -e '.[fuzz]' (Python 3.11 to 3.13)")
    with atheris.instrument_imports(include=["autobump"]):
        target = load_target(name)
    found = _FINDINGS / name
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="autobump-seeds-") as folder:
        for number, seed in enumerate((*target.SEEDS, *corpus_seeds(name))):
            (Path(folder) / str(number)).write_bytes(seed)
        arguments = [
            f"-max_total_time={seconds}",
            f"-max_len={_MAX_INPUT_BYTES}",
            f"-timeout={_SLOW_SECONDS}",
            f"-rss_limit_mb={_MEMORY_MIB}",
            "-print_final_stats=1",
            f"-artifact_prefix={found}/",
            folder,
        ]
        atheris.Setup([sys.argv[0], *arguments], target.check)
        atheris.Fuzz()


def _row(outcome: Outcome) -> str:
    finding = outcome.finding or "none"
    return f"| {outcome.target} | {outcome.executions:,} | {outcome.minutes:.1f} | {finding} |"


if __name__ == "__main__":
    sys.exit(main())
