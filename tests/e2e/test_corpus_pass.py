"""The main job on a real content repository: whole passes, every row, every byte."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobump.cli import run_command
from autobump.content.item import ItemKind, find_item_files, parse_item, replace_image
from autobump.content.tree import ContentTree
from autobump.content.yaml.splice import UnsafeEditError
from autobump.support.git import Git
from tests.fixtures.repositories import show

pytestmark = pytest.mark.corpus

LIFTED = "pull_requests: {max_open: 100000, max_new_per_run: 100000}"
CHANGED_LINE = re.compile(rb"^[-+](?![-+]{2} )", re.MULTILINE)
ITEM_LINE = re.compile(rb' *dockerimage: +["\']?demisto/[a-z0-9_.-]+:[0-9.]+["\']?( *#.*)?\r?')


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, corpus: Path, corpus_repository: Path
) -> tuple[Git, dict[str, Any]]:
    """Return a repository after a run with all limits lifted, and the run's report."""
    folder = tmp_path_factory.mktemp("written")
    repository = shutil.copytree(corpus_repository, folder / "content")
    config = folder / "lifted.yml"
    config.write_text(LIFTED)
    report = folder / "report.json"
    options = ["--repo", str(repository), "--config", str(config)]
    tags = ["--tags", f"file:{corpus / 'images-2026-05.json.xz'}"]
    assert run_command(["run", *options, *tags, "--format", "json", "--output", str(report)]) == 0
    return Git(repository), json.loads(report.read_text())


def test_every_item_file_ends_in_exactly_one_row(written: tuple[Git, dict[str, Any]]) -> None:
    git, report = written
    rows = Counter(row["path"] for key in ("bumps", "skipped", "problems") for row in report[key])
    files = [
        file.path
        for file in find_item_files(ContentTree.open(git.directory, "master").list_files(), "Packs/")
    ]
    assert rows == Counter(files)
    assert report["files"] == len(files) == 1569
    assert len(report["bumps"]) > 1200


def test_every_commit_changes_exactly_what_it_says(written: tuple[Git, dict[str, Any]]) -> None:
    git, report = written
    assert len(report["pull_requests"]) > 100
    packs_seen: list[str] = []
    targets = {bump["path"]: f"{bump['image']}:{bump['target']}" for bump in report["bumps"]}
    for pr in report["pull_requests"]:
        assert git.line("rev-parse", f"{pr['head']}^") == report["revision"]
        raw = (
            git.run("diff", "--raw", "-z", "--no-renames", report["revision"], pr["head"])
            .decode()
            .split("\0")
        )
        changes = dict(zip(raw[1::2], (line.split()[-1] for line in raw[:-1:2]), strict=True))
        added = [path for path, status in changes.items() if status == "A"]
        metadata = [f"Packs/{pack}/pack_metadata.json" for pack in pr["packs"]]
        assert {path for path, status in changes.items() if status == "M"} == {*pr["paths"], *metadata}
        assert len(added) == len(pr["packs"])
        assert len(changes) == len(pr["paths"]) + 2 * len(pr["packs"])
        for pack in pr["packs"]:
            (note,) = [path for path in added if path.startswith(f"Packs/{pack}/ReleaseNotes/")]
            version = json.loads(show(git, pr["head"], f"Packs/{pack}/pack_metadata.json"))["currentVersion"]
            assert note.endswith(f"/{version.replace('.', '_')}.md")
        paths = [*pr["paths"], *metadata]
        old, new = ([f"{revision}:{path}" for path in paths] for revision in (report["revision"], pr["head"]))
        blobs = [blob.data or b"" for blob in git.read_objects(old + new, max_bytes=10**8)]
        for path, before, after in zip(paths, blobs, blobs[len(paths) :], strict=False):
            check_one_line(path, before, after, targets.get(path))
        packs_seen += pr["packs"]
    assert len(packs_seen) == len(set(packs_seen))


def check_one_line(path: str, old_data: bytes, new_data: bytes, image: str | None) -> None:
    """Assert that exactly one line of a file differs, and in an item only its image."""
    before, after = old_data.split(b"\n"), new_data.split(b"\n")
    assert len(before) == len(after)
    ((old, new),) = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    if image is None:
        assert re.fullmatch(rb' *"currentVersion": "[0-9.]+",?\r?', new), (path, new)
    else:
        assert ITEM_LINE.fullmatch(new), (path, new)
        assert image.encode() in new
        assert old.split(b":")[:2] == new.split(b":")[:2]


def test_second_run_changes_nothing(
    written: tuple[Git, dict[str, Any]], corpus: Path, tmp_path: Path
) -> None:
    git, report = written
    config, again = tmp_path / "lifted.yml", tmp_path / "again.json"
    config.write_text(LIFTED)
    refs = git.run("for-each-ref")
    options = [
        "--repo",
        str(git.directory),
        "--config",
        str(config),
        "--format",
        "json",
        "--output",
        str(again),
    ]
    assert run_command(["run", *options, "--tags", f"file:{corpus / 'images-2026-05.json.xz'}"]) == 0
    second = json.loads(again.read_text())
    assert {pr["action"] for pr in second["pull_requests"]} == {"leave"}
    assert second["bumps"] == report["bumps"]
    assert git.run("for-each-ref") == refs


def test_plan_is_the_same_byte_for_byte(corpus: Path, corpus_repository: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("one.json", "two.json"):
        options = ["--format", "json", "--output", str(tmp_path / name), "--repo", str(corpus_repository)]
        assert run_command(["plan", *options, "--tags", f"file:{corpus / 'images-2026-05.json.xz'}"]) == 0
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_folders_that_differ_from_their_file_in_letter_case_are_items(corpus_repository: Path) -> None:
    paths = {
        file.path for file in find_item_files(ContentTree.open(corpus_repository).list_files(), "Packs/")
    }
    assert paths >= {
        "Packs/BmcHelixRemedyForce/Integrations/BmcHelixRemedyForce/BMCHelixRemedyforce.yml",
        "Packs/CommonScripts/Scripts/GetlistRow/GetListRow.yml",
        "Packs/FeedMitreAttack/Scripts/MItreIDLayoutDynamicSection/MitreIDLayoutDynamicSection.yml",
        "Packs/FeedMitreAttack/Scripts/MItreNameLayoutDynamicSection/MitreNameLayoutDynamicSection.yml",
    }


@pytest.fixture(scope="module")
def item_files(corpus_repository: Path) -> list[tuple[bytes, ItemKind]]:
    tree = ContentTree.open(corpus_repository)
    files = list(find_item_files(tree.list_files(), tree.prefix))
    blobs = {blob.oid: blob.data for blob in tree.read(file.blob for file in files)}
    return [(data, file.kind) for file in files if (data := blobs[file.blob]) is not None]


@settings(max_examples=200)
@given(data=st.data(), parts=st.lists(st.integers(0, 10**8), min_size=3, max_size=5))
def test_any_tag_spliced_into_any_file_changes_only_the_tag(
    item_files: list[tuple[bytes, ItemKind]], data: st.DataObject, parts: list[int]
) -> None:
    old, kind = data.draw(st.sampled_from(item_files))
    field = parse_item(old, kind).image
    if field.text is None or ":" not in field.text:
        return
    image, _, old_tag = field.text.partition(":")
    tag = ".".join(map(str, parts))
    try:
        new = replace_image(old, kind, field, f"{image}:{tag}")
    except UnsafeEditError as exc:  # no file of the corpus has such a value
        raise AssertionError(field.text) from exc
    assert new.replace(f"{image}:{tag}".encode(), field.text.encode(), 1) == old or tag in old.decode()
    assert len(new) - len(old) == len(tag) - len(old_tag)
