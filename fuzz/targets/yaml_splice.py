"""Every scalar at the top level of a document: refused, or replaced and nothing else changes."""

from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.outline import Scalar, read_outline
from autobump.content.yaml.splice import UnsafeEditError, splice_value
from fuzz.yaml_oracle import require_one_change

_NEW = ("demisto/x:2.0.0.22", "", "a", "- a", "'", "true", "x" * 300)
_MAX_SCALARS = 4

SEEDS = (
    b"a: demisto/x:1.0.0.1\nb: 'c'\nd: \"e\"\nf: |\n  g\n",
    b"{a: b, 'c': \"d\"}",
    b"a: &x b\nc: *x\n? d\n: e\nf: !t g\n",
    b"\xef\xbb\xbfa: b # c\r\nd: >-\r\n  e\r\n",
    b"a: b\n  c\n\n  d\ne: 'f\n\n  g'\n",
)


def check(data: bytes) -> None:
    """Check one document."""
    try:
        outline = read_outline(data).outline
    except YamlFault:
        return
    for number, node in enumerate(list(outline.values())[:_MAX_SCALARS]):
        if isinstance(node, Scalar) and node.value:
            new_value = _NEW[(len(data) + number) % len(_NEW)]
            try:
                new = splice_value(data, node, new_value)
            except UnsafeEditError:
                continue
            require_one_change(data, new, node.value, new_value)
