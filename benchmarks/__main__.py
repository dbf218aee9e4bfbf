"""All figures of docs/cost.md in one run: `make bench`, or `python -m benchmarks [--quick]`.

Whole processes, in turn, medians of five; what counts is the ratio of two figures of the same run.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import evidence, growth, order
from benchmarks.measure import Cost, median, run_once
from tests.fixtures.corpus import corpus_folder, unpack_content
from tests.fixtures.registry import run_registry

Command = list[str | Path]
RENOVATE_WALL, RENOVATE_CPU, RENOVATE_FLOOR = 25.6, 26.0, 2.1
"""Renovate 39's look-up on 1,986 files, and the floor on 1,986 files beside it, in seconds."""

TARGETS = {
    "plan, file source, cold / floor, wall": 0.8,
    "plan, file source, warm / floor, wall": 0.25,
    "plan, advisories from a file / none, cold, wall": 1.3,
    "plan, advisories from a file / none, warm, wall": 1.1,
    "plan, registry, cold / Renovate, wall": 1 / 15,
    "plan, registry, cold / Renovate, CPU": 1 / 15,
    "plan, peak memory, MiB": 100,
    "plan, peak memory, 8 copies / 1 copy": 1.3,
    "plan, cold, 8 copies / 1 copy, wall": 8.5,
    "plan, warm, 8 copies / 1 copy, wall": 8.0,
    "--help / import click, wall": 1.3,
    "run, all bumps / plan, wall": 2.0,
}


def main() -> None:
    """Measure, print, and write `build/bench.json` and `build/bench.svg`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run each, and no growth")
    runs = 1 if parser.parse_args().quick else 5
    sizes = (1,) if runs == 1 else (1, 2, 4, 8)
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="autobump-bench-") as name:
        costs = measure(Path(name), runs, sizes)
    figures = ratios(costs, sizes)
    for label, cost in costs.items():
        print(f"{label:34}{cost.wall:>8.2f} s wall{cost.cpu:>8.2f} s CPU{cost.peak_mib:>7.0f} MiB")
    print(f"\n{'':54}{'reached':>9}{'target':>9}")
    for label, value in figures.items():
        target = TARGETS.get(label)
        print(f"{label:54}{value:>9.3g}{f'{target:.3g}' if target else '':>9}")
    document = {"costs": {label: asdict(cost) for label, cost in costs.items()}, "ratios": figures}
    (build / "bench.json").write_text(json.dumps(document, indent=2) + "\n")
    (build / "bench.svg").write_text(chart(costs, sizes))
    print()
    evidence.main()
    print()
    order.main()
    print()
    growth.main(["--runs", "1", "--sizes", "1"] if runs == 1 else [])


def measure(folder: Path, runs: int, sizes: tuple[int, ...]) -> dict[str, Cost]:
    """Return the median cost of every command, measured in turn."""
    python, program = Path(sys.executable), Path(sys.executable).with_name("autobump")
    tags = corpus_folder() / "images-2026-05.json.xz"
    cache = folder / "cache"
    config = folder / "settings.yml"
    lifted = "pull_requests: {max_open: 100000, max_new_per_run: 100000}"
    plain = folder / "plain.yml"
    plain.write_text(f"registry: {{cache: '{cache}'}}\n")
    config.write_text(plain.read_text() + f"{lifted}\n")
    repositories = {size: unpack_content(folder / f"content{size}", size) for size in sizes}

    def autobump(command: str, repository: Path, source: str, *more: str | Path) -> Command:
        options: Command = ["--repo", repository, "--config", config, "--tags", source, *more]
        return [program, command, *options, "--format", "json", "--output", folder / "report"]

    def cold() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    def fresh_copy() -> None:
        cold()
        shutil.rmtree(folder / "written", ignore_errors=True)
        shutil.copytree(repositories[1], folder / "written")

    def warm() -> None:
        """Leave the cache as the cold run before left it."""

    one = repositories[1]
    with run_registry(folder) as registry:
        loading: Command = [python, "-m", "benchmarks.load_registry", registry.url, registry.log, tags]
        run_once(loading)
        file, oci = f"file:{tags}", f"oci:{registry.url}"
        advisories = f"registry.advisories=file:{corpus_folder() / 'osv-pypi.json.xz'}"
        steps: list[tuple[str, Callable[[], None], Command]] = [
            ("floor", warm, [python, "-m", "benchmarks.floor", one, "events"]),
            ("plan, file, cold", cold, autobump("plan", one, file)),
            ("plan, file, warm", warm, autobump("plan", one, file)),
            ("plan, file, warm, default limits", warm, autobump("plan", one, file, "--config", plain)),
            ("plan, file, advisories, cold", cold, autobump("plan", one, file, "--set", advisories)),
            ("plan, file, advisories, warm", warm, autobump("plan", one, file, "--set", advisories)),
            ("plan, registry, cold", cold, autobump("plan", one, oci)),
            ("plan, registry, warm", warm, autobump("plan", one, oci)),
            ("run, local, all bumps", fresh_copy, autobump("run", folder / "written", file)),
            ("--help", warm, [program, "--help"]),
            ("--version", warm, [program, "--version"]),
            ("import click", warm, [python, "-c", "import click"]),
            ("rendering of 200", warm, [python, "-m", "benchmarks.rendering"]),
        ]
        for size in sizes[1:]:
            steps.append(
                (f"plan, file, cold, {size} copies", cold, autobump("plan", repositories[size], file))
            )
            steps.append(
                (f"plan, file, warm, {size} copies", warm, autobump("plan", repositories[size], file))
            )
        measured: dict[str, list[Cost]] = {label: [] for label, _, _ in steps}
        for _ in range(runs):
            for label, prepare, command in steps:
                prepare()
                measured[label].append(run_once(command))
    measured["C-parsed load into objects"] = [run_once([python, "-m", "benchmarks.floor", one, "load"])]
    # A tenth of the files is enough to tell that nobody wants the rest.
    measured["round-trip load, first 157 files"] = [
        run_once([python, "-m", "benchmarks.floor", one, "round-trip", "157"])
    ]
    return {label: median(costs) for label, costs in measured.items()}


def ratios(costs: dict[str, Cost], sizes: tuple[int, ...]) -> dict[str, float]:
    """Return the ratios that have a target, and a few for scale."""
    floor, cold, warm = costs["floor"], costs["plan, file, cold"], costs["plan, file, warm"]
    registry, default = costs["plan, registry, cold"], costs["plan, file, warm, default limits"]
    scale = floor.wall / (RENOVATE_FLOOR * 1569 / 1986)
    figures = {
        "plan, file source, cold / floor, wall": cold.wall / floor.wall,
        "plan, file source, warm / floor, wall": warm.wall / floor.wall,
        "plan, file source, warm, default limits / floor, wall": default.wall / floor.wall,
        "plan, advisories from a file / none, cold, wall": costs["plan, file, advisories, cold"].wall
        / cold.wall,
        "plan, advisories from a file / none, warm, wall": costs["plan, file, advisories, warm"].wall
        / warm.wall,
        "plan, registry, cold / Renovate, wall": registry.wall / (RENOVATE_WALL * 1569 / 1986 * scale),
        "plan, registry, cold / Renovate, CPU": registry.cpu / (RENOVATE_CPU * 1569 / 1986 * scale),
        "plan, registry, warm / cold, wall": costs["plan, registry, warm"].wall / registry.wall,
        "plan, peak memory, MiB": max(cold.peak_mib, registry.peak_mib),
        "--help / import click, wall": costs["--help"].wall / costs["import click"].wall,
        "run, all bumps / plan, wall": costs["run, local, all bumps"].wall / cold.wall,
        "rendering, ms a pull request": costs["rendering of 200"].wall * 1000 / 200,
    }
    if 8 in sizes:
        cold8, warm8 = costs["plan, file, cold, 8 copies"], costs["plan, file, warm, 8 copies"]
        figures["plan, peak memory, 8 copies / 1 copy"] = cold8.peak_mib / cold.peak_mib
        figures["plan, cold, 8 copies / 1 copy, wall"] = cold8.wall / cold.wall
        figures["plan, warm, 8 copies / 1 copy, wall"] = warm8.wall / warm.wall
    return figures


def chart(costs: dict[str, Cost], sizes: tuple[int, ...]) -> str:
    """Draw wall time against size, cold and warm, as SVG."""

    def seconds(way: str, size: int) -> float:
        return costs[f"plan, file, {way}" + (f", {size} copies" if size > 1 else "")].wall

    top = max(seconds(way, size) for way in ("cold", "warm") for size in sizes)

    def place(way: str, size: int) -> tuple[float, float]:
        return 50 + 50 * size, 260 - 230 * seconds(way, size) / top

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 300"',
        '  font-family="sans-serif" font-size="12">',
        '<rect width="480" height="300" fill="white"/>',
        '<path d="M50 20V260H460" fill="none" stroke="black"/>',
        f'<text x="46" y="32" text-anchor="end">{top:.1f} s</text>',
        '<text x="46" y="262" text-anchor="end">0</text>',
        '<text x="255" y="296" text-anchor="middle">item files</text>',
    ]
    for size in sizes:
        parts.append(f'<text x="{50 + 50 * size}" y="278" text-anchor="middle">{size * 1569:,}</text>')
    for way, colour in (("cold", "#c2410c"), ("warm", "#1d4ed8")):
        path = " ".join(f"{x:.0f},{y:.1f}" for x, y in (place(way, size) for size in sizes))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = place(way, sizes[-1])
        parts.append(f'<text x="{x - 6:.0f}" y="{y - 8:.1f}" text-anchor="end" fill="{colour}">{way}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
