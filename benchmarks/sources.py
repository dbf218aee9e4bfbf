"""Requests and cost of a plan against a real registry: `python -m benchmarks.sources`."""

import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.measure import Cost, median, run_once
from tests.fixtures.corpus import corpus_folder, unpack_content
from tests.fixtures.registry import Registry, run_registry

RUNS = 5


def main() -> None:
    """Load the tags of every image the corpus uses into a registry, and plan cold and warm."""
    tags = corpus_folder() / "images-2026-05.json.xz"
    with tempfile.TemporaryDirectory(prefix="autobump-bench-") as name:
        folder = Path(name)
        repository = unpack_content(folder / "content")
        plan: list[str | Path] = [
            sys.executable,
            "-m",
            "autobump",
            "plan",
            "--repo",
            repository,
            "--format",
            "json",
        ]
        report = folder / "report.json"
        run_once([*plan, "--tags", f"file:{tags}", "--output", report])
        document = json.loads(report.read_text())
        asked = {bump["image"] for bump in document["bumps"]}
        with run_registry(folder) as registry:
            loading: list[str | Path] = [
                sys.executable,
                "-m",
                "benchmarks.load_registry",
                registry.url,
                registry.log,
                tags,
            ]
            run_once([*loading, *sorted(asked)])
            config = folder / "settings.yml"
            config.write_text(f"registry: {{cache: '{folder}/cache'}}\n")
            against: list[str | Path] = [
                *plan,
                "--config",
                config,
                "--tags",
                f"oci:{registry.url}",
                "--output",
                report,
            ]
            cold, cold_requests = repeat(against, registry, forget=folder / "cache")
            warm, warm_requests = repeat(against, registry)
    lists = sum(count for (_, path), count in cold_requests.items() if "/tags/list" in path)
    print(f"{len(asked)} images, {RUNS} runs each\n")
    print(f"{'':6}{'requests':>10}{'wall':>10}{'cpu':>10}{'peak':>10}")
    for label, cost, requests in (("cold", cold, cold_requests), ("warm", warm, warm_requests)):
        total = sum(requests.values()) / RUNS
        print(f"{label:6}{total:>10.0f}{cost.wall:>9.2f}s{cost.cpu:>9.2f}s{cost.peak_mib:>7.0f}MiB")
    distinct = len({path.split("?")[0] for _, path in cold_requests})
    print(f"\nrequests an image, cold: {lists / RUNS / distinct:.2f}")
    requests_ratio, wall_ratio = sum(warm_requests.values()) / lists, warm.wall / cold.wall
    print(f"warm over cold: requests {requests_ratio:.2f}, wall {wall_ratio:.2f}")


def repeat(
    command: list[str | Path], registry: Registry, *, forget: Path | None = None
) -> tuple[Cost, Counter[tuple[str, str]]]:
    """Return the median cost and all requests of several runs; `forget` is deleted before each."""
    registry.forget()
    costs = []
    for _ in range(RUNS):
        if forget is not None:
            shutil.rmtree(forget, ignore_errors=True)
        costs.append(run_once(command))
    return median(costs), Counter(registry.requests())


if __name__ == "__main__":
    main()
