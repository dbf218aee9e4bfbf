import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.content import pack
from autobump.content.listing import TreeEntry
from autobump.content.pack import (
    MAX_METADATA_BYTES,
    Pack,
    PackFiles,
    PackMetadata,
    PackMetadataError,
    find_pack_files,
    next_version,
    parse_pack_metadata,
    release_notes_name,
    splice_version,
)
from autobump.content.yaml.events import LFS_DETAIL, LFS_POINTER
from autobump.content.yaml.splice import UnsafeEditError


@pytest.mark.parametrize(
    ("version", "taken", "expected"),
    [
        ("1.0.0", [], "1.0.1"),
        ("1.0.9", [], "1.0.10"),
        ("1.2.98", [], "1.2.99"),
        ("1.2.99", [], "1.3.0"),
        ("1.98.99", [], "1.99.0"),
        ("1.99.99", [], "2.0.0"),
        ("1.0.150", [], "1.1.0"),
        ("1.0.0", ["1_0_1.md", "1_0_2.md"], "1.0.3"),
        ("1.0.98", ["1_0_99.md"], "1.1.0"),
        ("1.0.0", ["1_0_2.md"], "1.0.1"),
    ],
)
def test_next_version_follows_and_passes_over_taken_ones(
    version: str, taken: list[str], expected: str
) -> None:
    assert next_version(version, taken) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{\n    "name": "A",\n    "currentVersion": "1.0.0"\n}',
        '{\n  "currentVersion": "1.0.0",\n  "support": "xsoar"\n}\n',
        '{"currentVersion":"1.0.0","nested":{"currentVersion":"9.9.9"},"list":["1.0.0"]}',
        '{"nested": {"currentVersion": "1.0.0"}, "currentVersion" : "1.0.0" }',
        '{"name": "caf\\u00e9 \\"1.0.0\\"", "currentVersion": "1.0.0"}',
        '\ufeff{\r\n\t"currentVersion": "1.0.0",\r\n\t"name": "\u00e9"\r\n}\r\n',
    ],
)
def test_only_the_bytes_of_the_version_change(text: str) -> None:
    data = text.encode()
    new = splice_version(data, "1.0.1")
    marker = b'"1.0.0"'
    candidates = [
        data[:at] + b'"1.0.1"' + data[at + len(marker) :]
        for at in range(len(data))
        if data.startswith(marker, at)
    ]
    assert new in candidates
    before, after = (json.loads(raw.decode("utf-8-sig")) for raw in (data, new))
    assert after == before | {"currentVersion": "1.0.1"}


@given(
    st.dictionaries(
        st.text(max_size=6), st.recursive(st.text() | st.integers() | st.booleans(), st.lists, max_leaves=4)
    ),
    st.sampled_from([None, 2, 4]),
    st.booleans(),
)
def test_any_generated_metadata_changes_in_its_version_only(
    fields: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    fields["currentVersion"] = "3.4.5"
    data = json.dumps(fields, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    new = splice_version(data, "3.4.6")
    assert len(new) == len(data)
    assert sum(a != b for a, b in zip(data, new, strict=True)) == 1
    assert json.loads(new) == fields | {"currentVersion": "3.4.6"}


WORDS = [
    "{", "}", "[", "]", ":", ",", " ", "\n", "1", "true", "NaN", '"1.0.0"', '"1.0"', '"x"', '"\\ud800"',
    "\ufeff", '"name": ', '"currentVersion": ', '"hidden": ', '"support": ', '"currentVersion": "1.2.3"',
    '"name": {"a": 1, "a": 2}',
]  # fmt: skip


def read(data: bytes) -> PackMetadata | tuple[str, int, int, PackMetadata | None]:
    try:
        return parse_pack_metadata(data)
    except PackMetadataError as exc:
        return str(exc), exc.line, exc.column, exc.metadata


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.booleans())
def test_quick_look_finds_what_a_close_one_does(words: list[str], whole: bool) -> None:
    text = f'{{"currentVersion": "1.2.3", {", ".join(words)}}}' if whole else "".join(words)
    with pytest.MonkeyPatch.context() as context:
        quick = read(text.encode())
        context.setattr(pack, "_read_quickly", lambda _: None)
        assert read(text.encode()) == quick


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected '{'"),
        ("[]", "expected '{'"),
        ('{"currentVersion": "1.0"}', "not three numbers"),
        ('{"currentVersion": 1}', "not three numbers"),
        ('{"currentVersion": "1.0.0\\n"}', "not three numbers"),
        ('{"currentVersion": "01.0.0"}', "not three numbers"),
        ('{"currentVersion": "1", "name": "%s"}' % ("n" * 1_000), "not three numbers"),
        ('{"currentVersion": "1", "support": "%s"}' % ("n" * 1_000), "not three numbers"),
        ('{"currentVersion": "1.0.%s"}' % ("9" * 10_000), "not three numbers"),
        ("{}", "currentVersion is missing"),
        ('{"currentVersion": "1.0.0", "currentVersion": "1.0.1"}', "stands twice"),
        ('{"currentVersion": "1.0.0",}', "not valid JSON"),
        ('{"currentVersion": "1.0.0"} x', "behind the end"),
        ('{"currentVersion": "1.0.0", "n": %s}' % ("9" * 10_000), "not readable"),
        ('{"currentVersion": "1.0.0", "n": %s}' % ("[" * 100_000), "not readable"),
        ('{"currentVersion": "1.0.0", "name": "%s"}' % ("n" * 1_001), "more than 1,000 characters"),
        ('{"currentVersion": "1.0.0", "support": "%s"}' % ("n" * 1_001), "more than 1,000 characters"),
    ],
)
def test_metadata_that_cannot_be_used_says_why(text: str, message: str) -> None:
    with pytest.raises(PackMetadataError, match=message):
        parse_pack_metadata(text.encode())


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", (1, 1)),
        (b'{\n  "currentVersion": "1.0.0",\n  "name" "x"\n}', (3, 10)),
        (b'\xef\xbb\xbf{"name": "x",\n "currentVersion": 1}', (2, 20)),
        (b'{"name": "x"}', (1, 1)),
        (b'{"currentVersion": "1.0.0",\n"name": "x",\n "name": "y"}', (3, 2)),
        (b'{"currentVersion": "1.0.0"}\n\n x', (3, 2)),
        (b'{"currentVersion": "1.0.0",\n"name": "\xff"}', (2, 10)),
        (b'{"currentVersion": "1.0.0",\n"support": "%s"}' % (b"n" * 1_001), (2, 12)),
        (LFS_POINTER + b"v1\noid sha256:a\nsize 1\n", (1, 1)),
    ],
)
def test_metadata_that_cannot_be_used_says_where(data: bytes, place: tuple[int, int]) -> None:
    with pytest.raises(PackMetadataError) as caught:
        parse_pack_metadata(data)
    assert (caught.value.line, caught.value.column) == place


def test_metadata_without_version_says_the_rest() -> None:
    with pytest.raises(PackMetadataError) as caught:
        parse_pack_metadata(b'{"name": "A", "support": "community", "hidden": true}')
    assert caught.value.metadata == PackMetadata("A", "", "community", hidden=True)


def test_metadata_that_is_no_utf8_says_so() -> None:
    with pytest.raises(PackMetadataError, match="UTF-8"):
        parse_pack_metadata(b'{"currentVersion": "1.0.0", "name": "\xff"}')


def test_escape_for_half_of_a_character_reads_as_text_that_can_be_shown() -> None:
    metadata = parse_pack_metadata(
        b'{"currentVersion": "1.0.0", "name": "\\ud800", "support": "\\ud83d\\ude00"}'
    )
    assert (metadata.name, metadata.support) == ("\ufffd", "\U0001f600")


def entry(path: str, mode: str = "100644") -> TreeEntry:
    return TreeEntry(path, mode, "0" * 40)


def test_pack_is_a_folder_with_metadata_or_release_notes_below_the_prefix() -> None:
    entries = [
        entry("Packs/A/pack_metadata.json"),
        entry("Packs/A/ReleaseNotes/1_0_1.md"),
        entry("Packs/A/ReleaseNotes/1_0_2.md"),
        entry("Packs/A/ReleaseNotes/old/1_0_0.md"),
        entry("Packs/A/Scripts/pack_metadata.json"),
        entry("Packs/B/ReleaseNotes/1_0_1.md"),
        entry("Packs/README.md"),
        entry("Other/C/pack_metadata.json"),
        entry("pack_metadata.json"),
    ]
    assert find_pack_files(entries, "Packs/") == {
        "A": PackFiles("A", "Packs/A", entries[0], ("1_0_1.md", "1_0_2.md", "old")),
        "B": PackFiles("B", "Packs/B", None, ("1_0_1.md",)),
    }


def test_packs_may_lie_at_the_top() -> None:
    one = entry("A/pack_metadata.json")
    assert find_pack_files([one], "") == {"A": PackFiles("A", "A", one)}


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_metadata_that_is_a_link_or_a_submodule_is_none(mode: str) -> None:
    assert find_pack_files([entry("Packs/A/pack_metadata.json", mode)], "Packs/") == {}


@pytest.mark.parametrize("mode", ["100644", "120000", "160000"])
def test_release_notes_that_are_no_folder_block_release_notes(mode: str) -> None:
    found = find_pack_files([entry("Packs/A/ReleaseNotes", mode)], "Packs/")
    assert found == {"A": PackFiles("A", "Packs/A", notes_blocked=True)}


def test_pack_has_the_name_of_its_folder_and_a_support_level_in_any_case() -> None:
    files = PackFiles("A", "Packs/A")
    assert not files.notes_blocked
    metadata = PackMetadata("Shown", "1.0.0", "partner", hidden=False)
    pack = Pack(files, metadata)
    assert (pack.name, pack.support_level, pack.flaw) == ("A", "partner", "")
    assert (pack.line, pack.column) == (None, None)
    assert Pack(files, None).support_level == "none"
    assert Pack(files, PackMetadata("Shown", "1.0.0", "", hidden=False)).support_level == "none"


def test_metadata_is_read_by_its_keys_in_any_order() -> None:
    text = '{"support": "partner", "currentVersion": "1.2.3", "x": [1], "name": "A"}'
    assert parse_pack_metadata(text.encode()) == PackMetadata("A", "1.2.3", "partner", hidden=False)
    assert parse_pack_metadata(b'{"currentVersion": "1.2.3", "name": 1, "support": null}') == PackMetadata(
        "", "1.2.3", "", hidden=False
    )


@pytest.mark.parametrize(
    ("value", "hidden"),
    [("true", True), ('"true"', True), ('"True"', True), ("false", False), ('"yes"', False), ("null", False)],
)
def test_hidden_is_read_as_it_is_written_in_packs(value: str, hidden: bool) -> None:
    metadata = parse_pack_metadata(b'{"currentVersion": "1.0.0", "hidden": %s}' % value.encode())
    assert metadata.hidden is hidden


@pytest.mark.parametrize("part", ["0", "999999999"])
def test_version_may_have_nine_digits_in_a_part(part: str) -> None:
    version = f"{part}.{part}.{part}"
    assert parse_pack_metadata(b'{"currentVersion": "%s"}' % version.encode()).version == version
    with pytest.raises(PackMetadataError):
        parse_pack_metadata(b'{"currentVersion": "1.0.1000000000"}')


def test_name_and_support_level_may_have_a_thousand_characters() -> None:
    text = json.dumps({"currentVersion": "1.0.0", "name": "n" * 1_000, "support": "s" * 1_000})
    metadata = parse_pack_metadata(text.encode())
    assert (len(metadata.name), len(metadata.support)) == (1_000, 1_000)


LONG = "9" * 100


@pytest.mark.parametrize(
    ("data", "message", "line", "column"),
    [
        (b"", "not valid JSON: expected '{'", 1, 1),
        (b" [] ", "not valid JSON: expected '{'", 1, 2),
        (b'{"a" 1}', "not valid JSON: expected ':'", 1, 6),
        (b'{"a": 1 "b": 2}', "not valid JSON: expected ','", 1, 9),
        (b"{\n1: 2}", "not valid JSON: a key is no string", 2, 1),
        (b'{"a": 1, "a": 2}', 'the key "a" stands twice', 1, 10),
        (b"{} x", "not valid JSON: text behind the end of the object", 1, 4),
        (b"{}x", "not valid JSON: text behind the end of the object", 1, 3),
        (b'{"a": "\xff"}', "not valid UTF-8", 1, 8),
        (b'{"a": x}', "not valid JSON: Expecting value", 1, 7),
        (LFS_POINTER, LFS_DETAIL, 1, 1),
        (
            b"{}",
            "currentVersion is missing; a release note needs three numbers like 1.0.3",
            1,
            1,
        ),
        (
            b'{"currentVersion": "%s"}' % LONG[:58].encode(),
            f'currentVersion is "{LONG[:58]}", not three numbers like 1.0.3',
            1,
            20,
        ),
        (
            b'{"currentVersion": "%s"}' % LONG[:59].encode(),
            f'currentVersion is "{LONG[:56]}\u2026, not three numbers like 1.0.3',
            1,
            20,
        ),
        (
            b'{"currentVersion": "1.0.0", "support": "%s"}' % (b"n" * 1_001),
            "support has more than 1,000 characters",
            1,
            40,
        ),
    ],
)
def test_metadata_that_cannot_be_used_says_what_is_wrong_and_where(
    data: bytes, message: str, line: int, column: int
) -> None:
    with pytest.raises(PackMetadataError, match=f"^{re.escape(message)}$") as caught:
        parse_pack_metadata(data)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_metadata_that_is_nested_too_deep_says_no_more_than_that() -> None:
    with pytest.raises(PackMetadataError, match=r"^not readable JSON: Exceeds the limit [^;]*$") as caught:
        parse_pack_metadata(b'{"currentVersion": "1.0.0", "n": %s}' % (b"9" * 10_000))
    assert (caught.value.line, caught.value.column) == (1, 1)
    assert caught.value.metadata is None


def test_metadata_of_256_kib_is_read() -> None:
    assert MAX_METADATA_BYTES == 256 * 1024


def test_release_notes_are_named_after_their_version() -> None:
    assert release_notes_name("1.20.3") == "1_20_3.md"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"name": "A"}', "currentVersion is not written out in pack_metadata.json"),
        ('{"currentVersion": "1.0.\\u0030"}', "currentVersion is not written out in pack_metadata.json"),
        ('{"currentVersion": 1}', "currentVersion is not written out in pack_metadata.json"),
    ],
)
def test_version_that_is_not_written_out_is_left_alone(text: str, why: str) -> None:
    with pytest.raises(UnsafeEditError, match=f"^{re.escape(why)}$"):
        splice_version(text.encode(), "1.0.1")


def test_version_that_would_change_another_key_is_refused() -> None:
    with pytest.raises(
        UnsafeEditError, match=r"^the edited pack_metadata\.json does not read back as written$"
    ):
        splice_version(b'{"currentVersion": "1.0.0"}', '1.0.1", "hidden": "true')


def test_version_is_found_behind_other_keys_of_the_same_value() -> None:
    data = b'\xef\xbb\xbf{"server": "1.0.0", "currentVersion": "1.0.0", "other": "1.0.0"}'
    changed = b'\xef\xbb\xbf{"server": "1.0.0", "currentVersion": "1.0.1", "other": "1.0.0"}'
    assert splice_version(data, "1.0.1") == changed
