"""Makes mutants of the decision core and tells which of them no test notices: `python -m tests.mutants`."""

import argparse
import os
import sys
import tomllib
from collections import Counter
from pathlib import Path

from tests.mutants.targets import TARGETS

LEAST = 0.95
"""Share of the mutants, but for those that are equal, that each module's tests have to tell."""

EQUAL = Path(__file__).with_name("equal.toml")
"""The mutants that behave as the original does, and why; named by what changes, so that lines may move."""


def main() -> int:
    """Run what the command line asks for; 1 when too many mutants survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as decisions/eligibility.py (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    options = parser.parse_args()
    try:
        from tests.mutants.run import Unfit, load_libraries, run_mutants
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is missing; install the extra: pip install -e '.[mutants]'")
    if unknown := set(options.modules) - {target.module for target in TARGETS}:
        sys.exit(f"no mutants are made of {', '.join(sorted(unknown))}")
    load_libraries()
    equal = read_equal()
    rows, bad = [], False
    for target in TARGETS:
        if options.modules and target.module not in options.modules:
            continue
        counts: Counter[str] = Counter()
        listed = {key: why for key, why in equal.items() if key[0] == target.module}
        left_over = set(listed)
        try:
            for mutant, told in run_mutants(target, options.jobs):
                key = (target.module, mutant.place, mutant.old, mutant.new)
                kind = "killed" if told else "equal" if key in listed else "survived"
                counts[kind] += 1
                if not told:
                    left_over.discard(key)
                    print(_describe(key, listed.get(key, "")), flush=True)
        except Unfit as exc:
            sys.exit(str(exc))
        for key in sorted(left_over):
            print(_describe(key, "listed so, but told from the original or not made any more"), flush=True)
        share = counts["killed"] / ((counts["killed"] + counts["survived"]) or 1)
        bad |= share < LEAST or bool(left_over)
        rows.append(
            f"| {target.module} | {counts.total()} | {counts['killed']} | {counts['survived']} | "
            f"{counts['equal']} | {share:.1%} |"
        )
        print(rows[-1], flush=True)
    print("\n| module | mutants | killed | survived | equal | killed of those not equal |")
    print("\n".join(["| --- | --- | --- | --- | --- | --- |", *rows]))
    return int(bad)


def _describe(key: tuple[str, str, str, str], equal: str) -> str:
    module, place, old, new = key
    why = f"\n  equal: {equal}" if equal else ""
    return f"{module}: {place}\n  - {old}\n  + {new}{why}"


def read_equal() -> dict[tuple[str, str, str, str], str]:
    """Return why the mutants that no test can tell are equal, by module, place, and what changes."""
    listed = tomllib.loads(EQUAL.read_text(encoding="utf-8")) if EQUAL.exists() else {}
    return {
        (module, one["place"], one["old"], one["new"]): one["why"]
        for module, mutants in listed.items()
        for one in mutants
    }


if __name__ == "__main__":
    sys.exit(main())
