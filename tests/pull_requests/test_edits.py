from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.content.item import ItemKind
from autobump.decisions.bump import Bump
from autobump.pull_requests import edits
from autobump.pull_requests.edits import (
    Changes,
    Edit,
    Edits,
    FileChange,
    Refusal,
    compose_edits,
    needed_blobs,
)
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


def test_blobs_of_items_and_of_the_metadata_of_their_packs_are_needed_once() -> None:
    bumps = (make_bump("A", "One"), make_bump("A", "Two"), make_bump("B", "Two", blob="b"))
    assert needed_blobs(bumps, with_notes=False) == ["a" * 40, "b" * 40]
    assert needed_blobs(bumps, with_notes=True) == ["a" * 40, "b" * 40, "f" * 40]
    bare = without_metadata(bumps[0])
    assert needed_blobs((bare,), with_notes=True) == ["a" * 40]


def without_metadata(bump: Bump) -> Bump:
    return replace(
        bump, pack=replace(bump.pack, metadata=None, files=replace(bump.pack.files, metadata=None))
    )


def test_file_keeps_its_mode_and_a_release_note_is_a_new_plain_file() -> None:
    bump = make_bump("A", "One")
    bump = replace(bump, item=replace(bump.item, mode="100755"))
    metadata = bump.pack.files.metadata
    assert metadata is not None
    files = replace(bump.pack.files, metadata=replace(metadata, mode="100755"))
    bump = replace(bump, pack=replace(bump.pack, files=files))
    composed = compose_edits((bump,), contents((bump,)).items(), with_notes=True)
    assert composed == Edits(
        (
            Edit(
                "Packs/A/ReleaseNotes/1_0_1.md",
                "100644",
                "",
                0,
                0,
                b"\n#### Scripts\n\n##### One\n\n- Updated the Docker image to: *demisto/python3:1.0.0.9*.\n",
            ),
            Edit(bump.path, "100755", "", 0, 0, ITEM.replace(b"1.0.0.1", b"1.0.0.9")),
            Edit("Packs/A/pack_metadata.json", "100755", "", 0, 0, pack_metadata("1.0.1").encode()),
        ),
        (),
    )


def test_without_notes_only_items_change() -> None:
    bumps = (make_bump("A", "One"),)
    composed = compose_edits(bumps, contents(bumps).items(), with_notes=False)
    assert [edit.path for edit in composed.edits] == [bumps[0].path]


def test_pack_without_metadata_gets_no_note() -> None:
    bumps = (without_metadata(make_bump("A", "One")),)
    composed = compose_edits(bumps, {"a" * 40: ITEM, "f" * 40: b"{}"}.items(), with_notes=True)
    assert [edit.path for edit in composed.edits] == [bumps[0].path]


def test_pack_whose_metadata_says_nothing_gets_no_note() -> None:
    bump = make_bump("A", "One")
    bumps = (replace(bump, pack=replace(bump.pack, metadata=None)),)
    composed = compose_edits(bumps, {"a" * 40: ITEM, "f" * 40: b"{}"}.items(), with_notes=True)
    assert [edit.path for edit in composed.edits] == [bumps[0].path]


def test_of_large_metadata_only_the_version_is_kept() -> None:
    bumps = (make_bump("A", "One"),)
    text = pack_metadata(description="d" * 70_000)
    blobs = contents(bumps) | {"f" * 40: text.encode()}
    composed = compose_edits(bumps, blobs.items(), with_notes=True)
    (edit,) = (edit for edit in composed.edits if edit.path == "Packs/A/pack_metadata.json")
    last = text.index("1.0.0") + 4
    assert edit == Edit("Packs/A/pack_metadata.json", "100644", "f" * 40, last, last + 1, b"1")


def test_image_of_an_integration_is_changed_where_it_stands() -> None:
    bump = make_bump("A", "One", kind=ItemKind.INTEGRATION)
    item = item_yaml("demisto/python3:1.0.0.1", kind="integration").encode()
    composed = compose_edits((bump,), {"a" * 40: item}.items(), with_notes=False)
    assert [edit.new for edit in composed.edits] == [item.replace(b"1.0.0.1", b"1.0.0.9")]


def test_every_reason_to_refuse_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "MAX_PULL_REQUEST_BYTES", 10)
    bumps = (make_bump("A", "One", blob="b"), make_bump("A", "Two"))
    blobs = {"a" * 40: ITEM, "b" * 40: b"name: One\n", "f" * 40: b'{"name": "A"}'}
    composed = compose_edits(bumps, blobs.items(), with_notes=True)
    assert [refusal.path for refusal in composed.refused].count(bumps[0].path) == 3
    assert [refusal.path for refusal in composed.refused].count(bumps[1].path) == 2


def test_version_passes_over_release_notes_that_exist() -> None:
    bump = make_bump("A", "One")
    files = replace(bump.pack.files, release_notes={"1_0_1.md"})
    bumps = (replace(bump, pack=replace(bump.pack, files=files)),)
    paths = [edit.path for edit in compose_edits(bumps, contents(bumps).items(), with_notes=True).edits]
    assert "Packs/A/ReleaseNotes/1_0_2.md" in paths


def test_items_of_a_pack_share_one_version_and_one_note() -> None:
    bumps = (make_bump("A", "One"), make_bump("A", "Two"), make_bump("B", "Three"))
    composed = compose_edits(bumps, contents(bumps).items(), with_notes=True)
    changes = {change.path: change.data for change in Changes(composed.edits, no_reading)}
    assert len(changes) == 7
    note = changes["Packs/A/ReleaseNotes/1_0_1.md"]
    assert (note.count(b"##### One"), note.count(b"##### Two"), note.count(b"Three")) == (1, 1, 0)


def test_item_that_cannot_be_edited_is_refused_and_the_others_are_composed() -> None:
    bumps = (make_bump("A", "One", blob="b"), make_bump("A", "Two"))
    blobs = contents(bumps) | {"b" * 40: b"name: One\n"}
    composed = compose_edits(bumps, blobs.items(), with_notes=True)
    assert composed.refused == (Refusal(bumps[0].path, "dockerimage was not found again"),)
    assert bumps[1].path in [edit.path for edit in composed.edits]


def test_pack_whose_version_cannot_be_written_refuses_all_of_its_items_and_no_others() -> None:
    one, two, other = make_bump("A", "One"), make_bump("A", "Two"), make_bump("B", "Three")
    metadata = other.pack.files.metadata
    assert metadata is not None
    files = replace(other.pack.files, metadata=replace(metadata, blob="e" * 40))
    other = replace(other, pack=replace(other.pack, files=files))
    blobs = {"a" * 40: ITEM, "f" * 40: b'{"name": "A"}', "e" * 40: pack_metadata().encode()}
    composed = compose_edits((one, two, other), blobs.items(), with_notes=True)
    why = "currentVersion is not written out in pack_metadata.json"
    assert composed.refused == (Refusal(one.path, why), Refusal(two.path, why))
    assert "Packs/B/ReleaseNotes/1_0_1.md" in [edit.path for edit in composed.edits]


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1])
def test_file_is_kept_whole_up_to_64_kib(size: int) -> None:
    new = b"x" * (size - 1) + b"b"
    edit = edits._difference("p", "100644", "blob", b"x" * (size - 1) + b"a", new)
    whole = Edit("p", "100644", "", 0, 0, new)
    assert edit == (whole if size == 64 * 1024 else Edit("p", "100644", "blob", size - 1, size, b"b"))


@pytest.mark.parametrize(
    ("old", "new", "run"),
    [
        (b"", b"b", (70_000, 70_000, b"b")),
        (b"b", b"", (70_000, 70_001, b"")),
        (b"abc", b"axc", (70_001, 70_002, b"x")),
        (b"same", b"same", (140_004, 140_004, b"")),
    ],
)
def test_run_of_bytes_that_differs_is_the_shortest(
    old: bytes, new: bytes, run: tuple[int, int, bytes]
) -> None:
    before, after = b"1" * 70_000, b"2" * 70_000
    edit = edits._difference("p", "100644", "blob", before + old + after, before + new + after)
    assert (edit.start, edit.end, edit.new) == run


def test_some_of_the_changes_read_as_all_of_them_do() -> None:
    changes = Changes([Edit(path, "100644", path, 1, 2, b"O") for path in "ab"], reading({"a": b"old"}))
    assert changes[0].data == b"oOd"
    whole = Changes([Edit("p", "100644", "", 0, 0, b"new")], no_reading)
    assert list(whole) == [FileChange("p", "100644", b"new")]


def test_pull_request_may_hold_32_mib_of_items() -> None:
    assert edits.MAX_PULL_REQUEST_BYTES == 32 * 1024 * 1024


def test_largest_packs_are_refused_until_the_rest_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    bumps = tuple(make_bump(pack, "One", blob=blob) for pack, blob in (("A", "a"), ("B", "b"), ("C", "c")))
    blobs = contents(bumps)
    for blob, size in (("a", 1_000), ("b", 9_000), ("c", 5_000)):
        blobs[blob * 40] = ITEM + b"#" * (size - len(ITEM))
    for most, refused in ((15_000, []), (14_999, ["B"]), (6_000, ["B"]), (5_999, ["B", "C"])):
        monkeypatch.setattr(edits, "MAX_PULL_REQUEST_BYTES", most)
        composed = compose_edits(bumps, blobs.items(), with_notes=True)
        detail = f"its pull request would hold files of more than {most:,} bytes"
        expected = [Refusal(bump.path, detail) for bump in bumps if bump.item.pack in refused]
        assert list(composed.refused) == expected
