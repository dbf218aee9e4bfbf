"""What evidence costs: `python -m benchmarks.evidence`, 200 small items in one pair of images.

The images lie on this machine, so no pull is in the figures, and the first run remembers nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.measure import Cost, run_once
from tests.fixtures.engine import World, missing_for_engine, open_world
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata

ITEMS = 200
TARGET_SECONDS = 10
_IMAGE = "demisto/python3"
_OLD, _NEW = f"{_IMAGE}:3.11.2.1", f"{_IMAGE}:3.11.2.2"
_CODE = """\
import demistomock as demisto
from CommonServerPython import *
import json
import re
import steady


def main():
    return_results(steady.X + {number})


if __name__ in ('__main__', '__builtin__', 'builtins'):
    main()
"""
_PLATFORM = "def return_results(results):\n    demisto.results(results)\n"
_COUNTING = """\
#!/bin/sh
[ "$1" = run ] && echo "$0" >>"{log}"
exec "{podman}" "$@"
"""
_WAITING_FOR_ALL = """\
import ctypes, os, sys

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
program = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
ended = {}
try:
    while True:
        process, status = os.wait()
        ended[process] = status
except ChildProcessError:
    sys.exit(os.waitstatus_to_exitcode(ended[program]))
"""
"""Runs a program and waits for what it leaves behind: a container is no child of the engine's command."""


def main() -> None:
    """Measure, and print a line for the first run and one for the second."""
    if missing := missing_for_engine():
        print(f"verify of {ITEMS} items: not measured, a container engine needs {missing}")
        return
    with tempfile.TemporaryDirectory(prefix="autobump-evidence-") as name:
        folder = Path(name)
        with open_world(folder) as world:
            for label, cost, containers in measure(folder / "measured", world):
                print(
                    f"{f'verify of {ITEMS} items, {label}':34}{cost.wall:>8.2f} s wall"
                    f"{cost.cpu:>8.2f} s CPU{cost.peak_mib:>7.0f} MiB{containers:>4} containers"
                    f"{f'   target {TARGET_SECONDS} s' if label == 'first' else ''}"
                )


def measure(folder: Path, world: World) -> list[tuple[str, Cost, int]]:
    """Return what the first run costs and what the second one, each with the containers it started."""
    repository = make_content(folder / "content")
    # An image that was there before stays there.
    pair = [f"{world.registry}/{_IMAGE}@{world.digests[name]}" for name in (_OLD, _NEW)]
    for image in pair:
        subprocess.run(["podman", "pull", "-q", "--tls-verify=false", image], check=True, capture_output=True)
    log, report = count_containers(folder / "programs"), folder / "report.json"
    command: list[str | Path] = [
        sys.executable, "-c", _WAITING_FOR_ALL,
        Path(sys.executable).with_name("autobump"), "verify", "--repo", repository, "--engine", "podman",
        "--set", f"registry.cache={folder / 'cache'}", "--set", f"registry.source=oci:http://{world.registry}",
        "--set", "registry.facts=none", "--set", "registry.deprecated_images=none",
        "--format", "json", "--output", report,
    ]  # fmt: skip
    measured = []
    path = os.environ["PATH"]
    try:
        os.environ["PATH"] = f"{log.parent}:{path}"
        for label in ("first", "second"):
            log.write_text("")
            cost = run_once(command)
            verdicts = [bump["evidence"]["verdict"] for bump in json.loads(report.read_text())["bumps"]]
            if verdicts != ["same"] * ITEMS:
                raise RuntimeError(f"not every item ran: {Counter(verdicts)}")
            measured.append((label, cost, len(log.read_text().splitlines())))
    finally:
        os.environ["PATH"] = path
        subprocess.run(["podman", "rmi", *pair], check=True, capture_output=True)
    return measured


def make_content(folder: Path) -> Path:
    """Make a content repository with the items."""
    files: dict[str, str | bytes] = {"Packs/Made/pack_metadata.json": pack_metadata(name="Made")}
    files["Packs/Base/Scripts/CommonServerPython/CommonServerPython.py"] = _PLATFORM
    for number in range(ITEMS):
        name = f"Item{number:03}"
        path = f"Packs/Made/Scripts/{name}/{name}"
        files[f"{path}.yml"] = item_yaml(_OLD, name=name)
        files[f"{path}.py"] = _CODE.format(number=number)
    return make_repository(folder, files).directory


def count_containers(folder: Path) -> Path:
    """Put a `podman` into a folder that writes down each container it starts; return where."""
    folder.mkdir(parents=True)
    log = folder / "log"
    (folder / "podman").write_text(_COUNTING.format(log=log, podman=shutil.which("podman")))
    (folder / "podman").chmod(0o755)
    return log


if __name__ == "__main__":
    main()
