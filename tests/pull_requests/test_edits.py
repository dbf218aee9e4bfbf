from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.decisions.bump import Bump
from autobump.pull_requests import edits
from autobump.pull_requests.edits import Changes, Edit, FileChange, compose_edits, needed_blobs
from autobump.support.errors import ForgeError
from tests.fixtures.bumps import make_bump
from tests.fixtures.repositories import item_yaml, pack_metadata

ITEM = item_yaml("demisto/python3:1.0.0.1").encode()


def contents(bumps: tuple[Bump, ...], size: int = 0) -> dict[str, bytes]:
    """Return what `needed_blobs` hold, items filled up with a comment."""
    metadata = {bump.pack.files.metadata.blob for bump in bumps if bump.pack.files.metadata}
    item = ITEM + b"#" * size
    return {
        blob: pack_metadata().encode() if blob in metadata else item
        for blob in needed_blobs(bumps, with_notes=True)
    }


def test_edits_hold_what_changes_and_not_the_files() -> None:
    bumps = (make_bump("A", "One"), make_bump("B", "Two", blob="b"))
    blobs = contents(bumps, size=100_000)
    composed = compose_edits(bumps, blobs.items(), with_notes=True)
    assert composed.refused == ()
    assert [edit.path for edit in composed.edits] == sorted(edit.path for edit in composed.edits)
    assert len(composed.edits) == 6
    assert sum(len(edit.new) for edit in composed.edits) < 1_000
    changes = {change.path: change.data for change in Changes(composed.edits, reading(blobs))}
    assert changes[bumps[0].path] == blobs["a" * 40].replace(b"1.0.0.1", b"1.0.0.9")
    assert changes["Packs/B/pack_metadata.json"] == pack_metadata("1.0.1").encode()
    assert b"demisto/python3:1.0.0.9" in changes["Packs/B/ReleaseNotes/1_0_1.md"]


def reading(blobs: dict[str, bytes]) -> edits.ReadBlobs:
    def read(oids: Iterable[str]) -> Iterator[bytes | None]:
        return (blobs.get(oid) for oid in oids)

    return read


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_any_two_large_files_differ_in_one_run_of_bytes(old: bytes, new: bytes) -> None:
    fill = b"x" * 40_000
    old, new = fill + old + fill, fill + new + fill
    edit = edits._difference("p", "100644", "b", old, new)
    assert edit.carry_out(old).data == new
    assert len(edit.new) <= 12


def test_small_file_is_kept_whole_and_not_read_again() -> None:
    bumps = (make_bump("A", "One"),)
    composed = compose_edits(bumps, contents(bumps).items(), with_notes=True)
    (item,) = (change for change in Changes(composed.edits, no_reading) if change.path == bumps[0].path)
    assert item.data == ITEM.replace(b"1.0.0.1", b"1.0.0.9")


def no_reading(_: Iterable[str]) -> Iterator[bytes | None]:
    raise AssertionError("a file was read again")


def test_changes_are_counted_without_being_read_and_read_one_by_one() -> None:
    asked: list[str] = []

    def read(oids: Iterable[str]) -> Iterator[bytes | None]:
        for oid in oids:
            asked.append(oid)
            yield b"old"

    changes = Changes([Edit(path, "100644", path, 0, 1, b"O") for path in "abc"], read)
    assert (len(changes), asked) == (3, [])
    assert next(iter(changes)) == FileChange("a", "100644", b"Old")
    assert asked == ["a"]
    assert [change.path for change in changes[1:]] == ["b", "c"]
    assert changes[2].path == "c"


def test_file_that_git_lost_meanwhile_is_a_failure_of_its_pull_request() -> None:
    changes = Changes([Edit("p", "100644", "b", 0, 1, b"")], reading({}))
    with pytest.raises(ForgeError, match="no data for p any more"):
        list(changes)


def test_pack_too_large_for_one_pull_request_is_refused_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "MAX_PULL_REQUEST_BYTES", 10_000)
    bumps = tuple(make_bump(pack, "One", blob=blob) for pack, blob in (("A", "a"), ("B", "b"), ("B", "c")))
    composed = compose_edits(bumps, contents(bumps, size=4_000).items(), with_notes=True)
    assert [refusal.path for refusal in composed.refused] == [bump.path for bump in bumps[1:]]
    assert "more than 10,000 bytes" in composed.refused[0].detail
    assert compose_edits(bumps, contents(bumps, size=1_000).items(), with_notes=True).refused == ()
