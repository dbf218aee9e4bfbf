"""Where the packs of a repository are, and what follows from it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from autobump.content.cache import ContentCache
from autobump.content.code import read_code
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree, NoPacksError
from autobump.support.errors import UsageError
from autobump.support.progress import Silent
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata

Files = dict[str, str | bytes]


def pack(folder: str, item: str = "One") -> Files:
    """Return the files of a pack in any folder."""
    return {
        f"{folder}/pack_metadata.json": pack_metadata(),
        f"{folder}/Scripts/{item}/{item}.yml": item_yaml(name=item),
        f"{folder}/Scripts/{item}/{item}.py": "import requests\n",
    }


def open_tree(folder: Path, files: Mapping[str, str | bytes], **modes: str) -> ContentTree:
    repository = make_repository(folder / "r", files, modes=modes)
    return ContentTree.open(repository.directory)


def items(tree: ContentTree) -> list[tuple[str, str]]:
    """Return pack and path of every item."""
    content = read_content(tree, progress=Silent(), cache=ContentCache(None))
    assert not content.problems
    return [(item.pack, item.path) for item in content.items]


@pytest.mark.parametrize(
    ("folder", "root"),
    [
        ("Packs/A", "Packs"),
        ("A", "."),
        ("packs/A", "packs"),
        ("content/Packs/A", "content/Packs"),
        ("a b/ü/A", "a b/ü"),
        ("Scripts/Scripts", "Scripts"),
    ],
)
def test_folder_that_holds_the_packs_is_found(tmp_path: Path, folder: str, root: str) -> None:
    tree = open_tree(tmp_path, {"README.md": "x", "docs/Scripts/x.yml": "[", **pack(folder)})
    assert tree.root == root
    assert items(tree) == [(folder.rpartition("/")[2], f"{folder}/Scripts/One/One.yml")]


def test_usual_folder_comes_before_others(tmp_path: Path) -> None:
    tree = open_tree(tmp_path, {**pack("Packs/A"), **pack("Tests/data/B")})
    assert tree.root == "Packs"


def test_usual_folder_with_items_alone_comes_before_others(tmp_path: Path) -> None:
    tree = open_tree(tmp_path, {"Packs/A/Scripts/One.yml": item_yaml(), **pack("Tests/data/B")})
    assert tree.root == "Packs"


def test_usual_folder_without_packs_gives_way(tmp_path: Path) -> None:
    assert open_tree(tmp_path, {"Packs/README.md": "x", **pack("content/B")}).root == "content"


def test_link_in_place_of_the_usual_folder_gives_way(tmp_path: Path) -> None:
    assert open_tree(tmp_path, {"Packs": "content", **pack("content/B")}, Packs="120000").root == "content"


def test_pack_inside_of_a_pack_is_part_of_it(tmp_path: Path) -> None:
    tree = open_tree(tmp_path, {**pack("A"), **pack("B", "Two"), **pack("A/TestData/Packs/C", "Three")})
    assert tree.root == "."
    assert [name for name, _ in items(tree)] == ["A", "B"]


def test_link_to_metadata_makes_no_pack(tmp_path: Path) -> None:
    files: Files = {**pack("content/A"), "other/B/pack_metadata.json": "../../content/A/pack_metadata.json"}
    modes = {"other/B/pack_metadata.json": "120000"}
    assert open_tree(tmp_path, files, **modes).root == "content"


def test_several_places_are_listed_with_the_setting(tmp_path: Path) -> None:
    tree = open_tree(tmp_path, {**pack("x/A"), **pack("x/B"), **pack("C")})
    with pytest.raises(UsageError) as caught:
        _ = list(tree.list_files())
    message = str(caught.value)
    assert "packs in several folders: . (1 pack), x (2 packs); choose one with content.root" in message


def test_very_many_places_are_not_all_listed(tmp_path: Path) -> None:
    files: Files = {}
    for number in range(7):
        files |= pack(f"{number}/A")
    with pytest.raises(UsageError, match=r"4 \(1 pack\) and 2 more; choose"):
        _ = open_tree(tmp_path, files).root


def test_chosen_folder_counts_alone(tmp_path: Path) -> None:
    tree = open_tree(tmp_path, {**pack("Packs/A"), **pack("x/B"), **pack("C")})
    for root, names in [("x", ["B"]), (".", ["C"]), ("Packs", ["A"])]:
        tree.choose_root(root)
        assert (tree.root, [name for name, _ in items(tree)]) == (root, names)


def test_chosen_folder_may_hold_items_alone(tmp_path: Path) -> None:
    tree = open_tree(tmp_path, {"x/B/Scripts/One.yml": item_yaml(), **pack("Packs/A")})
    tree.choose_root("x")
    assert items(tree) == [("B", "x/B/Scripts/One.yml")]


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("none", "content.root: none is no folder with packs, .* packs are in x"),
        ("x/A", "content.root: x/A holds no pack, .* packs are in x"),
        (".", "content.root: . is no folder with packs"),
    ],
)
def test_chosen_folder_without_packs_is_refused(tmp_path: Path, root: str, message: str) -> None:
    tree = open_tree(tmp_path, pack("x/A"))
    with pytest.raises(NoPacksError, match=message):
        tree.choose_root(root)


def test_chosen_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"README in .* is no folder but"):
        open_tree(tmp_path, {"README": "x", **pack("x/A")}).choose_root("README")


def test_repository_that_is_one_pack_is_told(tmp_path: Path) -> None:
    files = {path.removeprefix("A/"): text for path, text in pack("A").items()}
    with pytest.raises(NoPacksError, match=r"it is one pack, with pack_metadata.json at its top"):
        _ = list(open_tree(tmp_path, files).list_files())


@pytest.mark.parametrize("root", ["", "content/Packs/"])
def test_code_beside_and_inside_items_and_shared_modules_follow(tmp_path: Path, root: str) -> None:
    files: Files = {
        f"{root}{path}": text
        for path, text in {
            **pack("A"),
            "A/Scripts/Whole.yml": item_yaml(name="Whole").replace("script: '-'", "script: import yaml"),
            "A/Scripts/Uses/Uses.yml": item_yaml(name="Uses"),
            "A/Scripts/Uses/Uses.py": "from MyApiModule import *\n",
            "ApiModules/pack_metadata.json": pack_metadata(),
            "ApiModules/Scripts/MyApiModule/MyApiModule.py": "import attrs\n",
        }.items()
    }
    tree = open_tree(tmp_path, files)
    content = read_content(tree, progress=Silent(), cache=ContentCache(None))
    code = read_code(tree, content.items, ContentCache(None))
    found = {path.rpartition("/")[2]: [use.module for use in read.uses] for path, read in code.items()}
    assert found == {"One.yml": ["requests"], "Whole.yml": ["yaml"], "Uses.yml": ["attrs"]}
