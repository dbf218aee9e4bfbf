"""What is remembered of earlier plans never changes the next one, whatever became of the repository."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobump.content.cache import ContentCache
from autobump.content.tree import ContentTree
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.report.json import json_parts
from autobump.settings.model import Settings
from autobump.support.git import Git
from autobump.support.progress import Silent
from tests.fixtures.histories import CHANGES, Files, change, make_commit
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TAGS = SnapshotSource({"demisto/python3": ["3.9.8.24399", "3.12.13.12042988"]})
START: Files = {
    "Packs/Z/pack_metadata.json": (pack_metadata(), "100644"),
    "Packs/Z/Scripts/z.yml": (item_yaml(name="Z"), "100644"),
}
KINDS = st.sampled_from(["follow", "merge", "rewrite"])


def plan(git: Git, cache: ContentCache) -> str:
    tree = ContentTree.open(git.directory, "master")
    tree.choose_root(None)
    return "".join(json_parts(Pass(tree, Settings(), TAGS, NOW, Silent(), cache=cache).plan()))


@settings(max_examples=40)
@given(st.lists(st.tuples(KINDS, st.lists(CHANGES, min_size=1, max_size=6)), min_size=2, max_size=4))
def test_plan_is_the_same_with_and_without_what_is_remembered(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, list[tuple[str, ...]]]]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    git = make_repository(folder / "r", {})
    files = dict(START)
    made = [make_commit(git, files)]
    assert '"path": "Packs/Z/Scripts/z.yml"' in plan(git, ContentCache(folder / "cache"))
    for kind, steps in history:
        for step in steps:
            change(files, step)
        parents = {"follow": made[-1:], "merge": made[-2:], "rewrite": []}[kind]
        made.append(make_commit(git, files, parents))
        assert plan(git, ContentCache(folder / "cache")) == plan(git, ContentCache(None))


def test_plan_of_an_earlier_commit_is_what_it_was(tmp_path: Path) -> None:
    git = make_repository(tmp_path / "r", {})
    versions: list[Files] = [
        START,
        START | {"Packs/Z/Scripts/y.yml": (item_yaml(name="Y"), "100644")},
        {path.replace("/Z/", "/Y/"): file for path, file in START.items()},
    ]
    plans = []
    for files in versions:
        make_commit(git, files)
        plans.append(plan(git, ContentCache(tmp_path / "cache")))
    assert all(one != other for one, other in pairwise(plans))
    for files, known in zip(versions, plans, strict=True):
        make_commit(git, files)
        assert plan(git, ContentCache(tmp_path / "cache")) == known
