import logging
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobump.images.choice import TagRecord
from autobump.images.sources.cache import CachedTags, TagCache

TAGS = (TagRecord("1.0.0.1", datetime(2026, 1, 2, tzinfo=UTC), "sha256:ab"), TagRecord("latest"))
CACHED = CachedTags(1000.5, "etag", "2026-01-01", TAGS)


def test_what_is_stored_is_found_by_the_next_run(tmp_path: Path) -> None:
    TagCache(tmp_path).store("s", "demisto/x", CACHED)
    assert TagCache(tmp_path).find("s", "demisto/x") == CACHED
    assert TagCache(tmp_path).find("other", "demisto/x") is None
    assert TagCache(tmp_path).find("s", "demisto/y") is None


def test_refresh_reads_nothing_but_writes(tmp_path: Path) -> None:
    TagCache(tmp_path).store("s", "demisto/x", CACHED)
    fresh = TagCache(tmp_path, refresh=True)
    assert fresh.find("s", "demisto/x") is None
    newer = CachedTags(2000, "", "", ())
    fresh.store("s", "demisto/x", newer)
    assert TagCache(tmp_path).find("s", "demisto/x") == newer


def test_what_is_forgotten_is_gone_for_the_next_run_too(tmp_path: Path) -> None:
    cache = TagCache(tmp_path)
    cache.store("s", "demisto/x", CACHED)
    cache.store("s", "demisto/y", CACHED)
    cache.forget("s", "demisto/x")
    assert TagCache(tmp_path).find("s", "demisto/x") is None
    assert TagCache(tmp_path).find("s", "demisto/y") == CACHED


def test_no_folder_means_no_cache() -> None:
    cache = TagCache(None)
    cache.store("s", "demisto/x", CACHED)
    assert cache.find("s", "demisto/x") is None


@pytest.mark.parametrize("damage", ["text", "cut", "hole"])
def test_damaged_cache_is_rebuilt_with_a_warning(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = TagCache(tmp_path)
    for number in range(200):
        cache.store("s", f"demisto/x{number}", CACHED)
    path = tmp_path / "tags.sqlite"
    data = path.read_bytes()
    del cache
    path.write_bytes(
        {
            "text": b"not a database, and long enough to be looked at " * 100,
            "cut": data[: len(data) // 2],
            "hole": data[:4096] + b"\xaa" * 4096 + data[8192:],
        }[damage]
    )
    with caplog.at_level(logging.WARNING):
        rebuilt = TagCache(tmp_path)
        assert rebuilt.find("s", "demisto/x1") is None
    assert "damaged" in caplog.text
    rebuilt.store("s", "demisto/x", CACHED)
    assert TagCache(tmp_path).find("s", "demisto/x") == CACHED


def test_entry_that_does_not_read_back_is_not_trusted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    TagCache(tmp_path).store("s", "demisto/x", CACHED)
    with sqlite3.connect(tmp_path / "tags.sqlite") as connection:
        connection.execute("UPDATE tag_lists SET tags = '[1]'")
    assert TagCache(tmp_path).find("s", "demisto/x") is None


def test_cache_of_another_version_is_dropped(tmp_path: Path) -> None:
    TagCache(tmp_path).store("s", "demisto/x", CACHED)
    with sqlite3.connect(tmp_path / "tags.sqlite") as connection:
        connection.execute("PRAGMA user_version = 999")
    assert TagCache(tmp_path).find("s", "demisto/x") is None


def test_folder_that_cannot_be_made_is_told_and_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        cache = TagCache(tmp_path / "file" / "cache")
    assert "without a cache" in caplog.text
    cache.store("s", "demisto/x", CACHED)
    assert cache.find("s", "demisto/x") is None


WRITER = """
import sys
from pathlib import Path
from autobump.images.choice import TagRecord
from autobump.images.sources.cache import CachedTags, TagCache
cache = TagCache(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    tags = tuple(TagRecord(f"1.0.0.{n}") for n in range(500))
    cache.store("s", f"demisto/x{number % 50}", CachedTags(number, "", "", tags))
"""


def test_two_processes_share_it_and_a_kill_leaves_it_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    victim = subprocess.Popen([*command, "1000000"], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    victim.stdout.readline()
    other = subprocess.run([*command, "100"], capture_output=True, text=True, check=True)
    assert other.stderr == ""
    victim.kill()
    victim.wait()
    victim.stdout.close()
    with caplog.at_level(logging.WARNING):
        cache = TagCache(tmp_path)
        found = [cache.find("s", f"demisto/x{number}") for number in range(50)]
    assert caplog.text == ""
    assert all(cached is not None and len(cached.tags) == 500 for cached in found)
