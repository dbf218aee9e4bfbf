"""Passes against a registry made to harm: its images are left out, and memory stays small."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.memory import measure_pass
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.servers import Reply, Request, serve

IMAGES = 24
MAX_PEAK_MIB = 300
MIB = 1024 * 1024
DIGEST = {"Docker-Content-Digest": "sha256:" + "a" * 64}


@dataclass(frozen=True)
class Pass:
    """What a pass in a process of its own ended with."""

    status: int
    report: dict[str, Any]
    peak_mib: float

    @property
    def unavailable(self) -> int:
        """How many items have no tags."""
        return sum(row["reason"] == "tags-unavailable" for row in self.report["problems"])


def run_plan(folder: Path, answer: Callable[[Request], Reply], *options: str) -> Pass:
    """Plan over one item of a good image and one of each hostile one, whose registry answers as told."""

    def serve_good(request: Request) -> Reply:
        if "/good/" not in request.path:
            return answer(request)
        if "/manifests/" in request.path:
            return Reply(headers=DIGEST)
        return Reply(body=b'{"tags": ["1.0.0.2"]}')

    files = script_pack("Good", {"Good": "demisto/good:1.0.0.1"})
    for number in range(IMAGES):
        files |= script_pack(f"Bad{number}", {f"Bad{number}": f"demisto/bad{number}:1.0.0.1"})
    git = make_repository(folder / "r", files)
    with serve(serve_good) as server:
        arguments = ["plan", "--repo", str(git.directory), "--tags", f"oci:{server.url}", "--format", "json"]
        status, peak_mib, report, _ = measure_pass(folder, *arguments, *options)
    return Pass(status, json.loads(report), peak_mib)


def filled(head: bytes, piece: bytes, tail: bytes, size: int = 2 * MIB) -> Reply:
    """Return an answer of nearly the largest size, a piece of JSON repeated between its head and tail."""
    return Reply(body=head + (piece + b",") * ((size - 100) // (len(piece) + 1)) + piece + tail)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b'{"tags":[', b"{}"),
        (b'{"tags":[', b'[{"a":[0]}]'),
        (b'{"tags":[', b'""'),
        (b'{"tags":[', b"[" * 90 + b"]" * 90),
        (b'{"x":[', b'{"a":{"b":{}}}'),
        (b'{"tags":[', b'"' + b"1." * 60 + b'1"'),
    ],
    ids=["objects", "mixed", "empty", "nested", "elsewhere", "long"],
)
def test_flood_in_a_list_of_tags_costs_its_images_and_little_memory(
    tmp_path: Path, head: bytes, piece: bytes
) -> None:
    done = run_plan(tmp_path, lambda _: filled(head, piece, b"]}"))
    assert [bump["image"] for bump in done.report["bumps"]] == ["demisto/good"]
    assert done.peak_mib < MAX_PEAK_MIB


def test_flood_that_is_no_manifest_costs_its_images_and_little_memory(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("/tags/list"):
            return Reply(body=b'{"tags": ["1.0.0.2"]}')
        return filled(b'{"manifests":[', b"0", b"]}", 480_000)

    done = run_plan(tmp_path, answer, "--set", "registry.min_age=1 days")
    assert done.peak_mib < MAX_PEAK_MIB


def test_tags_of_many_images_are_held_as_far_as_there_is_memory_for(tmp_path: Path) -> None:
    """Every image has as many tags as one may have, of the form that takes the most memory."""

    def answer(request: Request) -> Reply:
        page = int(request.query.get("last", ["0"])[0])
        tags = [f"{'999.' * 28}{page}.{number}" for number in range(1000, 2000)]
        link = f'<{request.path}?last={page + 1}>; rel="next"'
        return Reply(body=json.dumps({"tags": tags}).encode(), headers={"Link": link} if page < 9 else {})

    done = run_plan(tmp_path, answer)
    assert done.status == 1
    assert IMAGES - 10 <= done.unavailable <= IMAGES - 9
    assert done.peak_mib < MAX_PEAK_MIB
