from pathlib import Path

import pytest

from autobump.content import reader
from autobump.content.cache import ContentCache
from autobump.content.item import ItemKind
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.support import parallel as second_core
from autobump.support.git import Git
from autobump.support.progress import Silent
from tests.fixtures.repositories import item_yaml, make_repository, script_pack


@pytest.fixture
def tree(tmp_path: Path) -> ContentTree:
    files: dict[str, str | bytes] = {}
    for number in range(40):
        files |= script_pack(f"P{number:02}", {"One": f"demisto/x:1.0.0.{number}"})
    files |= {
        "Packs/P00/Scripts/Broken.yml": "a: [\n",
        "Packs/P01/Scripts/Same.yml": item_yaml("demisto/x:1.0.0.0", name="One"),
    }
    return ContentTree.open(make_repository(tmp_path / "r", files).directory)


def read(tree: ContentTree, cache: ContentCache | None = None) -> reader.Content:
    return read_content(tree, progress=Silent(), cache=cache or ContentCache(None))


def test_second_process_finds_the_same(tree: ContentTree, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read(tree)
    assert (len(alone.items), len(alone.problems)) == (41, 1)
    monkeypatch.setattr(reader, "_WORTH_A_PROCESS", 2)
    monkeypatch.setattr(second_core, "may_fork", lambda: True)
    assert read(tree) == alone


def test_what_is_remembered_is_not_read_again(
    tree: ContentTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(tree, ContentCache(tmp_path / "cache"))

    def unread(*_: object, **__: object) -> object:
        raise AssertionError("a blob was read")

    monkeypatch.setattr(Git, "read_objects", unread)
    assert read(tree, ContentCache(tmp_path / "cache")) == first


def test_blob_that_could_not_be_read_is_not_remembered(
    tree: ContentTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr("autobump.content.tree.MAX_FILE_BYTES", 1)
        context.setattr(reader, "MAX_FILE_BYTES", 1)
        assert len(read(tree, ContentCache(tmp_path / "cache")).problems) == 42
    assert len(read(tree, ContentCache(tmp_path / "cache")).problems) == 1


def test_facts_are_kept_by_kind(tree: ContentTree, tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "cache")
    content = read(tree, cache)
    blob = content.items[0].blob
    assert cache.find_items(ItemKind.INTEGRATION, [blob]) == {}
    assert cache.find_items(ItemKind.SCRIPT, [blob]) == {blob: content.items[0].fields}


def test_pack_metadata_that_would_fill_the_memory_as_objects_is_not_read(tmp_path: Path) -> None:
    text = '{"currentVersion": "1.0.0", "x": [' + '{"":0},' * 40_000 + "0]}"
    files = script_pack("A", {"One": "demisto/x:1.0.0.0"}) | {"Packs/A/pack_metadata.json": text}
    pack = read(ContentTree.open(make_repository(tmp_path / "r", files).directory)).packs["A"]
    assert pack.metadata is None
    assert "more than the 262,144 that are read" in pack.flaw
