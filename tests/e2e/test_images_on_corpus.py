"""Images of a whole real content repository, searched and listed; held to what the corpus itself says.

The same in small, and without the corpus: `tests/passes/inspect/test_images.py`.
"""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from tests.fixtures.corpus import corpus_folder, unpack_content

pytestmark = pytest.mark.corpus


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    source = f"file:{corpus_folder() / 'images-2026-05.json.xz'}"
    assert run_command(["images", "--tags", source, "--format", "json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_image_with_a_package_is_found_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    expected = set()
    with lzma.open(corpus_folder() / "images-2026-05.json.xz") as file:
        for image, tags in json.load(file).items():
            numbers = {tag: [*map(int, tag.split("."))] for tag in tags if tag.replace(".", "").isdigit()}
            immutable = [tag for tag, parts in numbers.items() if len(parts) > 2]
            if immutable:
                newest = max(immutable, key=lambda tag, of=numbers: (of[tag][-1], of[tag]))  # type: ignore[misc]
                if "pandas" in {name.lower() for name in tags[newest]["packages"] or ()}:
                    expected.add((image, newest))
    found = read(capsys, "--with", "pandas")
    assert {(one["image"], one["tag"]) for one in found["images"]} == expected
    assert len(expected) > 10


def test_every_tag_in_use_and_every_target_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    content = unpack_content(tmp_path / "content")
    found = read(capsys, "--in-use", "--repo", str(content))
    listed = {one["reference"].removeprefix("docker.io/"): one for one in found["images"]}
    source = f"file:{corpus_folder() / 'images-2026-05.json.xz'}"
    assert run_command(["plan", "--repo", str(content), "--tags", source, "--format", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    bumps = plan["bumps"]
    assert {f"{one['image']}:{one['target']}" for one in bumps} == {
        name for name, one in listed.items() if one["arriving"]
    }
    # A script of JavaScript may name an image, and runs in none.
    rows = [
        *bumps,
        *(one for one in plan["skipped"] if one["image"] and one["reason"] != "not-containerised"),
    ]
    used = {f"{one['image']}:{one['current'] or 'latest'}" for one in rows}
    assert used == {name for name, one in listed.items() if one["items"]}
    assert sum(one["arriving"] for one in found["images"]) == len(bumps)
