"""Runs the soak and prints its table: `python -m tests.soak --passes 500 --seed 1`."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.fixtures.faults import Fault
from tests.soak.soak import INTERRUPTED, KILLED, ROUND, Result, run_soak

LEAST_REQUESTS = 10_000


def main() -> int:
    """Run it, and return an exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--passes", type=int, default=500, help=f"with faults; in steps of {ROUND}")
    parser.add_argument("--seed", type=int, default=1, help="of the faults and of all that happens")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="autobump-soak-"))
    begun = time.monotonic()
    try:
        result = run_soak(folder, arguments.passes, arguments.seed, lambda text: print(text, file=sys.stderr))
    except pytest.skip.Exception as exc:
        print(exc.msg, file=sys.stderr)
        return 1
    requests = sum(result.requests.values())
    if arguments.passes >= 500 and requests < LEAST_REQUESTS:
        result.growth.append(f"only {requests} requests")
    print(f"seed {arguments.seed}, {time.monotonic() - begun:.0f} s\n")
    print(table(result))
    if bad := result.flaws + result.growth:
        print("\n".join(["", *bad]))
        return 1
    shutil.rmtree(folder)
    return 0


def table(result: Result) -> str:
    """Return what was found as text."""
    ends, pulls, requests = result.ends, result.pulls, result.requests
    done = ", ".join(f"{count} {what}" for what, count in sorted(result.done.items()))
    lines = [
        f"passes with faults {result.passes:>9,}   {ends[0]} done, {ends[1]} failed in part or whole, "
        f"{ends[INTERRUPTED]} interrupted, {ends[KILLED]} killed",
        f"passes to settle   {result.settling:>9,}",
        f"requests           {sum(requests.values()):>9,}   "
        f"{requests['registry']:,} to the registry, {requests['GitHub']:,} to GitHub",
        f"pull requests made {pulls.total():>9,}   {pulls['merged']} merged, {pulls['closed']} closed, "
        f"{pulls['open']} open",
        f"what others did    {result.done.total():>9,}   {done}",
        "",
        f"{'faults':<22} {'registry':>9} {'GitHub':>9}",
    ]
    for kind in Fault:
        of_registry, of_github = (result.faults[side][kind] or "" for side in ("registry", "GitHub"))
        lines.append(f"{kind.value:<22} {of_registry:>9} {of_github:>9}")
    lines += ["", f"{'the process holds':<22} {'MiB':>9} {'files':>9} {'threads':>9}"]
    at_rest = result.at_rest
    held = {"after the first round": at_rest[0], "in the middle": at_rest[len(at_rest) // 2]}
    for when, one in (held | {"at the end": at_rest[-1], "at most, after a pass": result.most}).items():
        lines.append(f"{when:<22} {one.resident_kib / 1024:>9.1f} {one.files:>9} {one.threads:>9}")
    lines += ["", f"same end as without faults: {'NO' if result.flaws else 'yes'}"]
    return "\n".join([*lines, f"more held than at first:    {'YES' if result.growth else 'no'}"])


if __name__ == "__main__":
    sys.exit(main())
