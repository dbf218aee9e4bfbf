import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.content.pack import (
    PackMetadata,
    PackMetadataError,
    next_version,
    parse_pack_metadata,
    splice_version,
)
from autobump.content.yaml.events import LFS_POINTER


@pytest.mark.parametrize(
    ("version", "taken", "expected"),
    [
        ("1.0.0", [], "1.0.1"),
        ("1.0.9", [], "1.0.10"),
        ("1.2.99", [], "1.3.0"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected '{'"),
        ("[]", "expected '{'"),
        ('{"currentVersion": "1.0"}', "not three numbers"),
        ('{"currentVersion": 1}', "not three numbers"),
        ('{"currentVersion": "1.0.0\\n"}', "not three numbers"),
        ('{"currentVersion": "01.0.0"}', "not three numbers"),
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
