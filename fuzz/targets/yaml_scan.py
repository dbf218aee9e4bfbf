"""The scanner of lines says what the parser says, or nothing."""

from autobump.content.yaml.outline import Other, Outline, Scalar, read_outline
from autobump.content.yaml.scan import scan_outline

_WANTED = frozenset({"name", "display", "id", "type", "dockerimage", "deprecated"})
_INSIDE = frozenset({"script", "commonfields"})

SEEDS = (
    b"name: a\ndockerimage: demisto/x:1.2.3\n",
    b"# head\nname: 'a b'   # why\nscript:\n  list:\n  - name: x\n  dockerimage: demisto/x:1\n",
    b"commonfields:\n    id: a\n    version: -1\nscript: |-\n  dockerimage: demisto/y:1\n  x\n",
    b'tags:\n- a\n- b\ndockerimage: "demisto/x:1.2.3"\n',
    b"deprecated:\nname: 'it''s'\ntype: |\n a\n#c\nid: {a: [b]}\n",
    b"script:\n- name: x\n  dockerimage: demisto/x:1\n",  # keys of an element are not keys of the script
    b'name: a\n---\ntype: b\nscript: "a\n  dockerimage: b"\nid: ? x\n',
)


def check(data: bytes) -> None:
    """Check one text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    scanned = scan_outline(text, _WANTED, _INSIDE)
    if scanned is not None:
        _compare(scanned, read_outline(data, inside=_INSIDE).outline)


def _compare(scanned: Outline, parsed: Outline) -> None:
    assert list(scanned) == list(parsed)
    for key, node in scanned.items():
        other = parsed[key]
        if isinstance(node, Other):
            continue
        if isinstance(node, dict):
            assert isinstance(other, dict)
            _compare(node, other)
            continue
        assert isinstance(other, Scalar)
        assert (node.value, node.plain, other.tagged, other.anchor) == (other.value, other.plain, False, None)
        if node.value:
            assert node.start == other.start + (not other.plain)
            assert node.end - node.start == len(other.value)
