"""Locates values in YAML text without loading it: the outline of a mapping."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from autobump.content.yaml.events import (
    HALF_OF_A_CHARACTER,
    MAX_PURE_BYTES,
    SyntaxFault,
    YamlFault,
    fault_at,
    read_events,
    require_no_tag_directive,
    require_utf8,
)

MAX_DEPTH = 200
"""Deepest nesting that is read; the deepest content file known has 12 levels."""

MAX_KEYS = 10_000
"""Most keys of one mapping that are read; millions would take a hundred times the memory of their file."""


class Scalar(Struct, frozen=True):
    """One scalar as written.

    Attributes:
        value: Its text after unquoting.
        plain: Written without quotes and not as a block.
        tagged: Carries an explicit tag such as `!!binary`.
        anchor: Name of its anchor, if any.
        start: Offset of its first character in the text without byte-order mark.
        end: Offset behind its last character.
        line: Line it begins on, from 1.
        column: Column it begins at, from 1.
    """

    value: str
    plain: bool
    tagged: bool
    anchor: str | None
    start: int
    end: int
    line: int
    column: int


class Other(Struct, frozen=True):
    """A value that is no scalar: `kind` is `mapping`, `sequence` or `alias`."""

    kind: str
    line: int
    column: int


Outline = dict[str, "Scalar | Other | Outline"]


class Document(Struct, frozen=True):
    """The outline of one YAML mapping, and the names of the anchors some alias refers to."""

    outline: Outline
    aliased: frozenset[str]


class _Frame:
    """One mapping being read: its keys so far and the key that waits for its value."""

    __slots__ = ("key", "nodes", "waiting")

    def __init__(self) -> None:
        self.nodes: Outline = {}
        self.key: Scalar | Other | None = None

    def place(self, node: "Scalar | Other | Outline") -> None:
        if self.key is None:
            # A mapping as a key cannot be a key we look for; any placeholder keeps keys and values in step.
            self.key = node if isinstance(node, Scalar | Other) else Other("mapping", 0, 0)
            return
        key, self.key = self.key, None
        if isinstance(key, Scalar):
            if key.value in self.nodes:
                raise YamlFault("duplicate-key", f'the key "{key.value}" stands twice', key.line, key.column)
            if len(self.nodes) >= MAX_KEYS:
                detail = f"a mapping of more than {MAX_KEYS:,} keys"
                raise YamlFault("invalid-yaml", detail, key.line, key.column)
            self.nodes[key.value] = node


def read_outline(data: bytes, *, inside: frozenset[str] = frozenset()) -> Document:
    """Read the top level of a YAML mapping, and the level below the keys named.

    Args:
        data: The whole file.
        inside: Top-level keys whose own keys are wanted, too.

    Returns:
        Every top-level key with its value. The whole document has been parsed.

    Raises:
        YamlFault: No UTF-8, no valid YAML, not exactly one mapping, a key twice, nested too deep, or with
            `%TAG`, which no item needs.
    """
    require_utf8(data)
    require_no_tag_directive(data)
    try:
        return _outline(read_events(data, pure=False), inside)
    except SyntaxFault:
        if len(data) > MAX_PURE_BYTES:
            raise
        return _outline(read_events(data, pure=True), inside)


def _outline(events: Iterator[Any], inside: frozenset[str]) -> Document:
    from ruamel.yaml.events import (
        AliasEvent,
        DocumentStartEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
    )

    top: _Frame | None = None
    inner: _Frame | None = None
    depth = documents = 0
    aliased: set[str] = set()
    for event in events:
        kind = type(event)
        if kind is ScalarEvent:
            frame = top if depth == 1 else inner if depth == 2 else None
            if frame is not None:
                frame.place(_scalar(event))
            elif depth == 0:
                raise fault_at(event, "the document is no mapping")
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            name = "mapping" if kind is MappingStartEvent else "sequence"
            if depth == 0:
                if name != "mapping":
                    raise fault_at(event, "the document is no mapping")
                top = _Frame()
            elif depth == 1 and top is not None:
                inner = None
                if name == "mapping" and isinstance(top.key, Scalar) and top.key.value in inside:
                    inner = _Frame()
                    top.place(inner.nodes)
                else:
                    top.place(_other(event, name))
            elif depth == 2 and inner is not None:
                inner.place(_other(event, name))
            depth += 1
            if depth > MAX_DEPTH:
                raise fault_at(event, f"nested deeper than {MAX_DEPTH} levels")
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            depth -= 1
        elif kind is AliasEvent:
            aliased.add(event.anchor)
            frame = top if depth == 1 else inner if depth == 2 else None
            if frame is not None:
                frame.place(_other(event, "alias"))
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise fault_at(event, "the file holds more than one document")
    if top is None:
        raise YamlFault("invalid-yaml", "the file is empty", 1, 1)
    return Document(top.nodes, frozenset(aliased))


def _scalar(event: Any) -> Scalar:
    start = event.start_mark
    return Scalar(
        value=_whole(event.value),
        plain=not event.style,
        tagged=event.tag is not None,
        anchor=event.anchor,
        start=start.index,
        end=event.end_mark.index,
        line=start.line + 1,
        column=start.column + 1,
    )


def _whole(text: str) -> str:
    """Return text that can be written and shown; the pure parser takes escapes for half of a character."""
    return (
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if HALF_OF_A_CHARACTER.search(text)
        else text
    )


def _other(event: Any, kind: str) -> Other:
    return Other(kind, event.start_mark.line + 1, event.start_mark.column + 1)
