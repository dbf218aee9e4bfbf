import gzip
import json
import lzma
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobump.images.choice import TagRecord
from autobump.images.sources import open_tag_source
from autobump.images.sources.cache import TagCache
from autobump.images.sources.snapshot import SnapshotSource
from autobump.support.errors import ImageNotFoundError, UsageError

LIST = {"demisto/x": ["1.0.0.1", "latest"]}
FACTS = {"demisto/x": {"1.0.0.1": {"created": "2026-01-02T03:04:05Z", "digest": "sha256:ab", "os": None}}}


def test_list_of_tags_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps(LIST))
    assert open_tag_source(f"file:{path}").fetch_tags("demisto/x") == (
        TagRecord("1.0.0.1"),
        TagRecord("latest"),
    )


def test_facts_of_tags_are_read_from_packed_files(tmp_path: Path) -> None:
    data = json.dumps(FACTS).encode()
    (tmp_path / "tags.json.gz").write_bytes(gzip.compress(data))
    (tmp_path / "tags.json.xz").write_bytes(lzma.compress(data))
    expected = TagRecord("1.0.0.1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "sha256:ab")
    for name in ("tags.json.gz", "tags.json.xz"):
        assert SnapshotSource.open(tmp_path / name).fetch_tags("demisto/x") == (expected,)


@pytest.mark.parametrize("facts", [None, {"created": 5, "digest": []}, {"created": "2026-01-02"}, {}])
def test_missing_or_odd_facts_cost_only_themselves(tmp_path: Path, facts: object) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({"demisto/x": {"1.0.0.1": facts}}))
    assert SnapshotSource.open(path).fetch_tags("demisto/x") == (TagRecord("1.0.0.1"),)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tags.json", b"not json"),
        ("tags.json", b"[]"),
        ("tags.json", b'{"demisto/x": "latest"}'),
        ("tags.json", b'{"demisto/x": [1]}'),
        ("tags.json", b"\xff\xfe"),
        ("tags.json.gz", b"not gzip"),
        ("tags.json.xz", b"not xz"),
        ("tags.json.xz", lzma.compress(b"{}" * 100)[:-20]),
        ("tags.json.gz", gzip.compress(b"{}" * 100, mtime=0)[:-20]),
        ("tags.json.gz", gzip.compress(b"{}" * 100, mtime=0)[:12] + b"\xff" * 40),
        ("tags.json", b'{"\\ud800": []}'),
        ("tags.json", b'{"demisto/x": {"1.0.0.1": {"digest": "\\uD800"}}}'),
        ("tags.json", b'{"demisto/x": {"1.0.0.1": {"packages": {"a": "\\udfff"}}}}'),
    ],
)
def test_file_that_cannot_be_used_is_told(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UsageError, match=name):
        SnapshotSource.open(path).fetch_tags("demisto/x")


def test_both_halves_of_a_character_are_one(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text('{"demisto/x": {"1.0.0.1": {"digest": "\\ud83d\\ude00"}}}')
    assert SnapshotSource.open(path).fetch_digest("demisto/x", "1.0.0.1") == "\N{GRINNING FACE}"


def test_what_the_cache_lost_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({**LIST, "demisto/y": ["2.0.0.1"]}))
    expected = (TagRecord("1.0.0.1"), TagRecord("latest"))
    assert SnapshotSource.open(path, TagCache(tmp_path)).fetch_tags("demisto/x") == expected
    with sqlite3.connect(tmp_path / "tags.sqlite") as cache:
        cache.execute("UPDATE tag_lists SET tags = 'odd' WHERE repository = 'demisto/x'")
    source = SnapshotSource.open(path, TagCache(tmp_path))
    assert source.fetch_tags("demisto/x") == expected
    assert source.fetch_tags("demisto/y") == (TagRecord("2.0.0.1"),)


def test_file_that_cannot_be_used_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text("odd")
    source = SnapshotSource.open(path)
    for _ in range(2):
        with pytest.raises(UsageError, match="no JSON file of tags"):
            source.fetch_tags("demisto/x")
        path.write_text(json.dumps(LIST))


def test_file_that_was_replaced_after_it_was_opened_is_not_remembered_as_the_old_one(tmp_path: Path) -> None:
    path, other = tmp_path / "tags.json", tmp_path / "other.json"
    path.write_text(json.dumps(LIST))
    source = SnapshotSource.open(path, TagCache(tmp_path))
    other.write_text(json.dumps({"demisto/x": ["9.0.0.9"]}))
    other.replace(path)
    assert source.fetch_tags("demisto/x") == (TagRecord("9.0.0.9"),)
    path.write_text(json.dumps(LIST))
    again = SnapshotSource.open(path, TagCache(tmp_path))
    assert again.fetch_tags("demisto/x") == (TagRecord("1.0.0.1"), TagRecord("latest"))


def test_file_that_is_written_anew_is_read_anew_whatever_its_size(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({"demisto/x": ["1.0.0.1"]}))
    assert SnapshotSource.open(path, TagCache(tmp_path)).fetch_tags("demisto/x") == (TagRecord("1.0.0.1"),)
    before = path.stat()
    path.write_text(json.dumps({"demisto/x": ["1.0.0.2"]}))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert path.stat().st_size == before.st_size
    assert SnapshotSource.open(path, TagCache(tmp_path)).fetch_tags("demisto/x") == (TagRecord("1.0.0.2"),)


def test_file_that_names_no_image_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text("{}")
    with pytest.raises(UsageError, match="names no image"):
        SnapshotSource.open(path, TagCache(tmp_path)).load()


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        open_tag_source(f"file:{tmp_path}/none.json")


def test_unknown_image_is_not_found() -> None:
    with pytest.raises(ImageNotFoundError, match="demisto/none"):
        SnapshotSource({}).fetch_tags("demisto/none")


def test_withdrawn_tag_tells_its_facts_and_is_no_tag(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(
        json.dumps({"demisto/x": {"1.0.0.1": {"python": "3.9.8", "withdrawn": True}, "1.0.0.2": {}}})
    )
    source = SnapshotSource.open(path)
    source.prepare({"demisto/x": ["1.0.0.1"]})
    assert [tag.name for tag in source.fetch_tags("demisto/x")] == ["1.0.0.2"]
    assert source.file is not None
    facts = source.file.facts["demisto/x", "1.0.0.1"]
    assert facts is not None
    assert facts.python == "3.9.8"
