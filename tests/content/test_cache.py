import logging
import subprocess
import sys
from pathlib import Path

import pytest

from autobump.content import cache as facts_cache
from autobump.content.cache import ContentCache, RememberedItem, RememberedPack
from autobump.content.imports import find_imports
from autobump.content.item import CodePlace, Fault, ItemFields, ItemKind, parse_item
from autobump.content.pack import PackMetadata
from tests.fixtures.repositories import item_yaml

FACTS = parse_item(item_yaml(deprecated="true").encode(), ItemKind.SCRIPT)
METADATA = PackMetadata("A", "1.0.0", "xsoar", hidden=False)


def test_what_is_stored_is_found_by_the_next_run(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path)
    cache.store_items("script", {"a": FACTS, "b": Fault("invalid-yaml", "why", 3, 4)})
    code = CodePlace("b", "py")
    items = (
        RememberedItem("Scripts/A.yml", ItemKind.SCRIPT, "a", "100644", FACTS, code),
        RememberedItem("Scripts/B.yml", ItemKind.SCRIPT, "b", "100755", Fault("r", "", 3, 4), CodePlace()),
    )
    packs = {
        "c": RememberedPack(items, ("100644", "m"), (METADATA, "", None, None), ("1_0_1.md",), False),
        "d": RememberedPack((), None, (None, "flaw", 3, 4), (), True),
    }
    cache.store_packs(packs)
    again = ContentCache(tmp_path)
    found = again.find_items("script", ["a", "b", "x"])
    assert found["a"] == FACTS
    assert found["b"] == Fault("invalid-yaml", "why", 3, 4)
    assert again.find_items("integration", ["a"]) == {}
    assert again.find_packs(["c", "d"]) == packs


def test_imports_are_found_as_they_were_read(tmp_path: Path) -> None:
    imports = find_imports("import a\nif sys.version_info >= (3, 8):\n  import b\nelse:\n  import c\n")
    assert len(imports) == 3
    ContentCache(tmp_path).store_imports("py", {"x": imports, "y": None})
    assert ContentCache(tmp_path).find_imports("py", ["x", "y"]) == {"x": imports, "y": None}


def test_many_blobs_are_found(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path)
    cache.store_items("script", {f"{number:040}": FACTS for number in range(2500)})
    assert len(cache.find_items("script", [f"{number:040}" for number in range(3000)])) == 2500


def test_other_release_reads_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ContentCache(tmp_path).store_items("script", {"a": FACTS})
    monkeypatch.setattr(facts_cache, "__version__", "9.9.9")
    assert ContentCache(tmp_path).find_items("script", ["a"]) == {}


def test_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_cache, "MAX_ROWS", 10)
    old = ContentCache(tmp_path)
    old._today -= 50
    old.store_items("script", {f"old{number}": FACTS for number in range(8)})
    cache = ContentCache(tmp_path)
    assert len(cache.find_items("script", ["old1"])) == 1  # used again, so it is not old any more
    cache.store_items("script", {f"new{number}": FACTS for number in range(8)})
    kept = cache.find_items("script", [f"{age}{number}" for age in ("old", "new") for number in range(8)])
    assert set(kept) == {"old1", *(f"new{number}" for number in range(8))}


def test_damaged_cache_is_rebuilt_and_an_odd_entry_is_not_trusted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "facts.sqlite").write_bytes(b"no database at all, but long enough to look at " * 50)
    with caplog.at_level(logging.WARNING):
        cache = ContentCache(tmp_path)
        cache.store_items("script", {"a": FACTS})
        assert cache.find_items("script", ["a"]) == {"a": FACTS}
        assert "damaged" in caplog.text
        cache._file.write("UPDATE facts SET facts = ?", [("{",)])
        assert cache.find_items("script", ["a"]) == {}
    assert "going on without a cache" in caplog.text


WRITER = """
import sys
from pathlib import Path
from autobump.content.cache import ContentCache
from autobump.content.item import ItemKind, parse_item
facts = parse_item(b"name: x", ItemKind.SCRIPT)
cache = ContentCache(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    cache.store_items("script", {f"{number}-{n}": facts for n in range(200)})
"""


def test_two_writers_share_it_and_a_kill_leaves_it_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    victim = subprocess.Popen([*command, "100000"], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    victim.stdout.readline()
    subprocess.run([*command, "30"], check=True, capture_output=True)
    victim.kill()
    victim.wait()
    victim.stdout.close()
    with caplog.at_level(logging.WARNING):
        found = ContentCache(tmp_path).find_items(
            "script", [f"{m}-{n}" for m in range(30) for n in range(200)]
        )
    assert caplog.text == ""
    assert len(found) == 6000
    assert all(isinstance(facts, ItemFields) for facts in found.values())
