"""What is listed of packs, and that what is remembered of them never tells another thing."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobump.content.cache import ContentCache
from autobump.content.code import find_python_files
from autobump.content.item import find_item_files
from autobump.content.listing import TreeEntry
from autobump.content.pack import find_pack_files
from autobump.content.reader import Content, read_content
from autobump.content.tree import ContentTree
from autobump.support.errors import UsageError
from autobump.support.git import Git, GitEntry
from autobump.support.progress import Silent
from tests.fixtures.histories import CHANGES, change, make_commit
from tests.fixtures.objects import write_object
from tests.fixtures.repositories import WHO, commit, item_yaml, make_repository, pack_metadata

PACK: dict[str, str | bytes] = {
    "Packs/A/pack_metadata.json": pack_metadata(),
    "Packs/A/ReleaseNotes/1_0_1.md": "x",
    "Packs/A/ReleaseNotes/old/1_0_0.md": "x",
    "Packs/A/Scripts/One/One.yml": item_yaml(name="One"),
    "Packs/A/Scripts/One/One.py": "import a\n",
    "Packs/A/Scripts/Two.yml": item_yaml(name="Two"),
    "Packs/A/Integrations/Three/Three.yml": item_yaml(name="Three", kind="integration"),
}
REST: dict[str, str | bytes] = {
    "Packs/README.md": "x",
    "Packs/A/README.md": "x",
    "Packs/A/Playbooks/playbook-A.yml": "id: x\n",
    "Packs/A/doc_files/picture.png": b"\x89PNG",
    "Packs/A/Scripts/One/README.md": "x",
    "Packs/A/Scripts/One/test_data/deep/result.yml": "x: 1\n",
    "Packs/A/Integrations/Three/Three_image.png": b"\x89PNG",
}


def open_tree(git: Git) -> ContentTree:
    tree = ContentTree.open(git.directory, "master")
    tree.choose_root(None)
    return tree


def read(git: Git, folder: Path) -> Content:
    """Read what the branch holds, with what is remembered in a folder."""
    return read_content(open_tree(git), progress=Silent(), cache=ContentCache(folder))


def paths(tree: ContentTree) -> list[str]:
    return [entry.path for entry in tree.list_files()]


def test_images_playbooks_and_test_data_are_not_listed(tmp_path: Path) -> None:
    tree = open_tree(make_repository(tmp_path / "r", PACK | REST))
    assert paths(tree) == sorted(
        {path.replace("old/1_0_0.md", "old") for path in PACK}, key=lambda path: path.encode()
    )


def commit_packs(git: Git, packs: str) -> None:
    """Let the branch be a commit whose folder of packs is a tree, whatever that holds."""
    top = write_object(git, "tree", b"40000 Packs\0" + bytes.fromhex(packs))
    made = write_object(git, "commit", f"tree {top}\nauthor {WHO}\ncommitter {WHO}\n\nx\n".encode())
    git.run("update-ref", "refs/heads/master", made)


class CountedTrees:
    """Counts the trees that git is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        read = Git.read_trees

        def count(git: Git, oids: object) -> dict[str, tuple[GitEntry, ...]]:
            wanted = list(oids)  # type: ignore[call-overload]  # what `read_trees` is given
            self.number += len(wanted)
            return read(git, wanted)

        monkeypatch.setattr(Git, "read_trees", count)


def test_pack_whose_tree_is_known_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, str | bytes] = {
        path.replace("/A/", f"/{name}/"): text for name in "ABCDE" for path, text in (PACK | REST).items()
    }
    files["Packs/NoItems/Playbooks/playbook-A.yml"] = "id: x\n"
    git = make_repository(tmp_path / "r", files)
    cache = tmp_path / "cache"
    first = read(git, cache)
    counted = CountedTrees(monkeypatch)
    assert read(git, cache) == first
    one_pack = 1 + 3 + 2  # its tree, three folders, and the two in them that hold items
    assert counted.number == 2 + one_pack  # the top, the folder of packs, and one of them to see that it is
    commit(git, {"Packs/C/Scripts/New/New.yml": item_yaml(name="New")})
    counted.number = 0
    assert "Packs/C/Scripts/New/New.yml" in [item.path for item in read(git, cache).items]
    assert counted.number == 2 + one_pack + one_pack + 1


DAMAGES = ["nonsense", "[[1]]", "{}", "7", '[["a", "b"]]', "[[],null]"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_memory_is_not_believed(tmp_path: Path, damage: str) -> None:
    git = make_repository(tmp_path / "r", PACK)
    first = read(git, tmp_path / "cache")
    with sqlite3.connect(tmp_path / "cache" / "facts.sqlite") as connection:
        connection.execute("UPDATE facts SET facts = ? WHERE kind = 'pack'", [damage])
        assert connection.total_changes == 1
    connection.close()
    assert read(git, tmp_path / "cache") == first


def test_tree_that_is_missing_is_told(tmp_path: Path) -> None:
    git = make_repository(tmp_path / "r", PACK)
    lost = git.line("rev-parse", "master:Packs/A/Scripts")
    for file in git.directory.glob("objects/pack/*.pack"):
        data = file.read_bytes()
        file.unlink()
        git.run("unpack-objects", "-q", stdin=data)
    (git.directory / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(UsageError, match=f"git cannot list .*tree {lost} is missing"):
        open_tree(git)


def test_modes_are_as_git_shows_them(tmp_path: Path) -> None:
    """Trees made by hand, or by old versions of git, hold others."""
    git = make_repository(tmp_path / "r", PACK)
    blob = git.line("rev-parse", "master:Packs/A/Scripts/Two.yml")
    scripts = write_object(git, "tree", b"100664 Two.yml\0" + bytes.fromhex(blob))
    pack = write_object(git, "tree", b"40000 Scripts\0" + bytes.fromhex(scripts))
    packs = write_object(git, "tree", b"40000 A\0" + bytes.fromhex(pack))
    commit_packs(git, packs)
    assert tuple(open_tree(git).list_files()) == (TreeEntry("Packs/A/Scripts/Two.yml", "100644", blob),)


def test_object_that_is_no_tree_is_told(tmp_path: Path) -> None:
    git = make_repository(tmp_path / "r", PACK)
    blob = git.line("rev-parse", "master:Packs/A/Scripts/Two.yml")
    packs = write_object(git, "tree", b"40000 A\0" + bytes.fromhex(blob))
    commit_packs(git, packs)
    with pytest.raises(UsageError, match="is no tree"):
        open_tree(git)


@settings(max_examples=25)
@given(st.lists(st.lists(CHANGES, min_size=1, max_size=6), min_size=2, max_size=4))
def test_every_history_reads_the_same_with_and_without_memory(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[tuple[str, ...]]]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    git = make_repository(folder / "r", {"Packs/Z/Scripts/z.yml": item_yaml(name="Z")})
    files = {"Packs/Z/Scripts/z.yml": (item_yaml(name="Z"), "100644")}
    for steps in history:
        for step in steps:
            change(files, step)
        make_commit(git, files)
        plain = open_tree(git)
        everything = list(plain.list_below(["Packs"]))
        listed = list(plain.list_files())
        assert list(find_item_files(listed, "Packs/")) == list(find_item_files(everything, "Packs/"))
        assert find_pack_files(listed, "Packs/") == find_pack_files(everything, "Packs/")
        beside = [entry.path.rpartition("/")[0] for entry in everything if entry.path.endswith(".yml")]
        near = [one for one in everything if one.path.count("/") < 5 and "/Playbooks/" not in one.path]
        assert find_python_files(listed, beside) == find_python_files(near, beside)
        assert read(git, folder / "cache") == read_content(plain, progress=Silent(), cache=ContentCache(None))
