from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobump.content.item import ItemKind, find_item_files
from autobump.content.tree import ContentTree
from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.outline import Scalar, read_outline
from autobump.content.yaml.scan import scan_outline
from tests.fixtures.memory import bytes_to_read

WANTED = frozenset({"name", "display", "id", "type", "dockerimage", "deprecated"})
INSIDE = frozenset({"script", "commonfields"})


def agree(text: str) -> bool:
    """Assert that the scanner says what the parser says, or nothing; return whether it said something."""
    scanned = scan_outline(text, WANTED, INSIDE)
    if scanned is None:
        return False
    try:
        parsed = read_outline(text.encode(), inside=INSIDE).outline
    except YamlFault as exc:
        raise AssertionError(f"the scanner took what the parser refuses: {exc}") from exc
    assert list(scanned) == list(parsed)
    for key, node in scanned.items():
        compare(key, node, parsed[key])
    return True


def compare(key: str, scanned: Any, parsed: Any) -> None:
    if isinstance(scanned, dict):
        assert isinstance(parsed, dict), key
        assert list(scanned) == list(parsed)
        for name, node in scanned.items():
            compare(name, node, parsed[name])
    elif isinstance(scanned, Scalar):
        assert isinstance(parsed, Scalar), key
        assert (scanned.value, scanned.plain) == (parsed.value, parsed.plain)
        assert not parsed.tagged
        assert parsed.anchor is None
        if scanned.value:
            written = parsed.start if parsed.plain else parsed.start + 1
            assert (scanned.start, scanned.end - scanned.start) == (written, len(parsed.value))


@pytest.mark.parametrize(
    "text",
    [
        "name: a\ndockerimage: demisto/x:1.2.3\n",
        "# head\nname: 'a b'   # why\nscript:\n  list:\n  - name: x\n  dockerimage: demisto/x:1\n",
        "commonfields:\n    id: a\n    version: -1\nscript: |-\n  dockerimage: demisto/y:1\n  x\n",
        'tags:\n- a\n- b\ndockerimage: "demisto/x:1.2.3"\n',
        "name: Caf\u00e9 (v2), one\ndockerimage: demisto/x:1.2.3",
        "deprecated:\nname: a\n",
    ],
)
def test_plain_files_are_read_by_their_lines(text: str) -> None:
    assert agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n",
        "text\n",
        'a: "\ndockerimage: demisto/x:1.2.3"\n',
        "a: '\ndockerimage: demisto/x:1.2.3'\nname: b\n",
        "a: [x,\ndockerimage: demisto/x]\n",
        'script:\n  a: "\n  dockerimage: demisto/x:1"\n',
        'script:\n  a: "x\nfoo: y"\n  dockerimage: demisto/x:1\n',
        "a: b\rdockerimage: demisto/x:1.2.3\n",
        "a: b\u2028dockerimage: demisto/x:1.2.3\n",
        "dockerimage: demisto/oauthlib:\n",
        "dockerimage: &a demisto/x:1\n",
        "dockerimage: !!str demisto/x:1\n",
        "dockerimage: demisto/x:1\n  more\n",
        "dockerimage: |-\n  demisto/x:1\n",
        "dockerimage: a\ndockerimage: b\n",
        "script:\n  type: a\n  type: b\n",
        "script:\n- name: a\n  dockerimage: demisto/x:1\n",
        "script: {dockerimage: demisto/x}\n",
        "script: &s\n  dockerimage: demisto/x\n",
        "script:\n    type: a\n  dockerimage: b\n",
        '"dockerimage": demisto/x:1\n',
        "? dockerimage\n: demisto/x:1\n",
        "name: a\n---\nname: b\n",
        "name: a\n...\n",
        "%YAML 1.2\n---\nname: a\n",
        "name: a\n\tb: c\n",
        "name: 'it''s'\n",
        'name: "a\\n"\n',
        "name: a: b\n",
        "deep: " + "[" * 240 + "]" * 240 + "\n",
        "deep:" + "".join(f"\n{' ' * n}a:" for n in range(1, 130)) + " x\n",
        "deep:\n  " + "- " * 120 + "x\n",
    ],
)
def test_anything_else_is_left_to_the_parser(text: str) -> None:
    assert scan_outline(text, WANTED, INSIDE) is None


_LINES = st.sampled_from((Path(__file__).parent / "lines.txt").read_text().split("\n"))


@settings(max_examples=3000)
@given(st.lists(_LINES, min_size=1, max_size=9), st.booleans())
def test_scanner_and_parser_agree_on_any_arrangement_of_lines(lines: list[str], final_end: bool) -> None:
    agree("\n".join(lines) + ("\n" if final_end else ""))


@settings(max_examples=1500)
@given(
    st.text(alphabet="ab:'\"[]{}#-|>&*!?%\n  \r\t", max_size=30).map(
        lambda text: f"name: x\na: {text}\ndockerimage: d/x"
    )
)
def test_scanner_and_parser_agree_on_any_text(text: str) -> None:
    agree(text)


@pytest.mark.corpus
def test_scanner_and_parser_agree_on_every_real_file(corpus_repository: Path) -> None:
    tree = ContentTree.open(corpus_repository)
    files = {file.blob: file.kind for file in find_item_files(tree.list_files(), tree.prefix)}
    scanned = sum(agree(blob.data.decode()) for blob in tree.read(files) if blob.data is not None)
    assert ItemKind.SCRIPT in files.values()
    assert scanned > 0.9 * len(files)


@pytest.mark.parametrize("value", ["a" * 4_000_000, "a:b " * 1_000_000 + "c", "a " * 2_000_000 + "# b"])
def test_long_value_is_read_in_memory_of_its_length(value: str) -> None:
    imports = "from autobump.content.yaml.scan import scan_outline"
    statement = "assert scan_outline(text, {'name'}, set())"
    assert bytes_to_read(f"name: {value}\n", imports, statement) < 12 * len(value)
