"""How the cost of a plan follows the size of a repository and what changed in it.

`python -m benchmarks.growth [--runs 7] [--sizes 1 2 4 8]`

The repository is the corpus's content with what a real one has beside it, playbooks, images and test data, so
that it holds 30,000 files. Each copy of a pack has files of its own: none shares a blob.
"""

import argparse
import json
import lzma
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Cost, median, run_once
from tests.fixtures.corpus import corpus_folder, unpack_content

PLAYBOOKS, NEAR_ITEM, TEST_DATA = 8, 4, 8
"""Files added: playbooks for each pack; images and test data for each item in a folder of its own."""

TARGETS = {
    "cold / floor": 0.8,
    "warm, nothing changed / floor": 0.2,
    "warm, one pack changed / nothing changed": 1.1,
    "8 copies / 1, warm": 3,
    "8 copies / 1, cold": 8,
    "peak memory, 1 copy, MiB": 80,
    "peak memory, 8 copies, MiB": 130,
}
_WHO = "bench <bench@example.com> 1700000000 +0000"


def make_repository(source: Path, target: Path, copies: int) -> None:
    """Make a bare repository with `master`, `one-pack` and `one-percent`, the latter two a change ahead.

    Args:
        source: The corpus's content repository.
        target: Where it is made.
        copies: How often each pack is in it.
    """
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=master", target], check=True)
    files = [path for path in sorted((source / "Packs").rglob("*")) if path.is_file()]
    items = [path for path in files if path.suffix == ".yml"]
    hundredth = max(1, len(items) * copies // 100)
    with subprocess.Popen(["git", "-C", target, "fast-import", "--quiet"], stdin=subprocess.PIPE) as git:
        stream = git.stdin
        assert stream is not None  # stdin=PIPE gives one

        def write(path: str, data: bytes) -> None:
            stream.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")

        stream.write(f"commit refs/heads/master\ncommitter {_WHO}\ndata 1\nx\n".encode())
        for copy in range(copies):
            for path, data in _pack_files(source, files, copy):
                write(path, data)
        for branch, number in (("one-pack", 1), ("one-percent", hundredth)):
            head = f"commit refs/heads/{branch}\ncommitter {_WHO}\ndata 1\nx\nfrom refs/heads/master\n"
            stream.write(head.encode())
            step = len(items) * copies / number
            for place in (int(at * step) for at in range(number)):
                item = items[place % len(items)]
                name = _rename(item.relative_to(source), place // len(items))
                write(name, item.read_bytes() + b"\n# changed\n")
    if git.returncode:
        raise RuntimeError(f"git ended with {git.returncode}")


def _pack_files(source: Path, files: list[Path], copy: int) -> Iterator[tuple[str, bytes]]:
    packs: set[str] = set()
    for file in files:
        relative = file.relative_to(source)
        name = _rename(relative, copy)
        data = file.read_bytes()
        comment = b"" if file.suffix == ".json" else f"\n# copy {copy}\n".encode()
        yield name, data + (b" " * copy if file.suffix == ".json" else comment)
        pack = "/".join(name.split("/")[:2])
        if pack not in packs:
            packs.add(pack)
            for number in range(PLAYBOOKS):
                yield f"{pack}/Playbooks/playbook-{number}.yml", f"id: {pack} {number}\n".encode() * 20
        if file.suffix == ".yml" and len(relative.parts) == 5:
            folder = name.rpartition("/")[0]
            for number in range(NEAR_ITEM):
                yield f"{folder}/picture_{number}.png", f"\x89PNG {name} {number}".encode() * 20
            for number in range(TEST_DATA):
                yield f"{folder}/test_data/result_{number}.json", json.dumps([name, number] * 20).encode()


def _rename(path: Path, copy: int) -> str:
    packs, pack, *rest = path.parts
    return "/".join([packs, f"{pack}_{copy}" if copy else pack, *rest])


def measure(folder: Path, sizes: list[int], runs: int) -> dict[tuple[str, int], Cost]:
    """Return the median cost of each way to plan and each size."""
    python, program = Path(sys.executable), Path(sys.executable).with_name("autobump")
    # Packed, its dictionary of 26 MB would be the peak of every plan that reads it.
    tags = folder / "tags.json"
    with lzma.open(corpus_folder() / "images-2026-05.json.xz") as packed, tags.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    source = unpack_content(folder / "source", 1)
    cache, kept = folder / "cache", folder / "kept"
    config = folder / "settings.yml"
    config.write_text(
        f"registry: {{cache: '{cache}'}}\npull_requests: {{max_open: 100000, max_new_per_run: 100000}}\n"
    )
    costs: dict[tuple[str, int], list[Cost]] = {}
    for size in sizes:
        repository = folder / f"content{size}"
        make_repository(source, repository, size)

        def plan(branch: str, repository: Path = repository) -> Cost:
            command = [program, "plan", "--repo", repository, "--rev", branch, "--config", config]
            command += ["--tags", f"file:{tags}", "--format", "json", "--output", folder / "report"]
            return run_once([str(part) for part in command])

        shutil.rmtree(kept, ignore_errors=True)
        for run in range(runs):
            floor = run_once([python, "-m", "benchmarks.floor", repository, "events"])
            costs.setdefault(("floor", size), []).append(floor)
            shutil.rmtree(cache, ignore_errors=True)
            costs.setdefault(("cold", size), []).append(plan("master"))
            if not run:
                shutil.copytree(cache, kept)
            costs.setdefault(("nothing changed", size), []).append(plan("master"))
            for branch in ("one-pack", "one-percent"):
                shutil.rmtree(cache)
                shutil.copytree(kept, cache)
                costs.setdefault((branch.replace("-", " ") + " changed", size), []).append(plan(branch))
        shutil.rmtree(repository)
    return {key: median(found) for key, found in costs.items()}


def ratios(costs: dict[tuple[str, int], Cost], sizes: list[int]) -> dict[str, float]:
    """Return the ratios that have a target; walls."""
    small, large = min(sizes), max(sizes)

    def wall(way: str, size: int = small) -> float:
        return costs[way, size].wall

    figures = {
        "cold / floor": wall("cold") / wall("floor"),
        "warm, nothing changed / floor": wall("nothing changed") / wall("floor"),
        "warm, one pack changed / nothing changed": wall("one pack changed") / wall("nothing changed"),
        f"peak memory, {small} copy, MiB": costs["cold", small].peak_mib,
    }
    if large > small:
        figures |= {
            f"{large} copies / {small}, warm": wall("nothing changed", large) / wall("nothing changed"),
            f"{large} copies / {small}, cold": wall("cold", large) / wall("cold"),
            f"peak memory, {large} copies, MiB": costs["cold", large].peak_mib,
        }
    return figures


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4, 8])
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="autobump-growth-") as name:
        costs = measure(Path(name), options.sizes, options.runs)
    for (way, size), cost in costs.items():
        label = f"{way}, {size} copies" if size > 1 else way
        print(f"{label:34}{cost.wall:>8.2f} s wall{cost.cpu:>8.2f} s CPU{cost.peak_mib:>7.0f} MiB")
    print(f"\n{'':54}{'reached':>9}{'target':>9}")
    for label, value in ratios(costs, options.sizes).items():
        print(f"{label:54}{value:>9.3g}{TARGETS.get(label, ''):>9}")


if __name__ == "__main__":
    main()
