"""Locates scalars in YAML text, splices their bytes, and proves the rest unchanged.

The only importer of ruamel.yaml, and only when it is needed: a pass over content that is remembered does not
need it. Content files are never loaded into objects: the event stream is enough to find a key, costs a
fiftieth of a round-trip load, and cannot be made to expand aliases or build types.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

MAX_DEPTH = 100
"""Deepest nesting that is read; the deepest content file known has 12 levels."""

MAX_KEYS = 10_000
"""Most keys of one mapping that are read; millions would take a hundred times the memory of their file."""

MAX_PURE_BYTES = 32 * 1024
"""Largest file that the pure parser is given: each element takes it a millisecond. Of the 1,569 items of a
real repository none needs it."""

_MAX_PLACES = 10_000
"""Most keys and elements of a file that is loaded; settings have a few dozen."""

_MAX_DETAIL = 200

# The mark of a directive that declares a handle for tags. The parser compares each with all before it, and
# writes what it stands for into every tag that uses it.
_TAG_DIRECTIVE = re.compile(rb"(?:\A|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])%TAG")
_HALF = re.compile("[\ud800-\udfff]")
_BOM = "\ufeff"
_BOM_BYTES = _BOM.encode()


class YamlFault(Exception):
    """The text is not the YAML mapping it should be; line and column count from 1."""

    def __init__(self, reason: str, detail: str, line: int, column: int) -> None:
        if len(detail) > _MAX_DETAIL:  # it may name a key as long as the file
            detail = f"{detail[: _MAX_DETAIL - 1]}\u2026"
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.line = line
        self.column = column


class _SyntaxFault(YamlFault):
    """One parser says the text is no YAML."""


class UnsafeEditError(Exception):
    """A splice could not be proven to change one value and nothing else."""


@dataclass(frozen=True, slots=True)
class Scalar:
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


@dataclass(frozen=True, slots=True)
class Other:
    """A value that is no scalar: `kind` is `mapping`, `sequence` or `alias`."""

    kind: str
    line: int
    column: int


Outline = dict[str, "Scalar | Other | Outline"]


@dataclass(frozen=True, slots=True)
class Document:
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
    _require_utf8(data)
    _require_no_tag_directive(data)
    try:
        return _outline(_events(data, pure=False), inside)
    except _SyntaxFault:
        if len(data) > MAX_PURE_BYTES:
            raise
        return _outline(_events(data, pure=True), inside)


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
                raise _fault_at(event, "the document is no mapping")
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            name = "mapping" if kind is MappingStartEvent else "sequence"
            if depth == 0:
                if name != "mapping":
                    raise _fault_at(event, "the document is no mapping")
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
                raise _fault_at(event, f"nested deeper than {MAX_DEPTH} levels")
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
                raise _fault_at(event, "the file holds more than one document")
    if top is None:
        raise YamlFault("invalid-yaml", "the file is empty", 1, 1)
    return Document(top.nodes, frozenset(aliased))


def find_value_span(text: str, scalar: Scalar) -> tuple[int, int]:
    """Return where the value of a scalar stands in the text, letter for letter.

    Args:
        text: The file as text, without byte-order mark.
        scalar: The scalar as located in the same text.

    Raises:
        UnsafeEditError: The value does not stand there as one unbroken run, for instance because of escapes.
    """
    written = text[scalar.start : scalar.end]
    if written.count(scalar.value) != 1:
        raise UnsafeEditError("the value is not written out in one piece")
    start = scalar.start + written.index(scalar.value)
    return start, start + len(scalar.value)


def splice_value(data: bytes, scalar: Scalar, new_value: str) -> bytes:
    """Replace one scalar's value and prove that nothing else changed.

    Only bytes inside the value change; the parts that old and new value share at both ends stay as they are.

    Args:
        data: The whole file.
        scalar: The scalar as located in it.
        new_value: Its new value.

    Returns:
        The new file.

    Raises:
        UnsafeEditError: The new text would not parse to the old document but for this one value.
    """
    text, bom = decode_text(data)
    start, end = find_value_span(text, scalar)
    new_data = (bom + text[:start] + new_value + text[end:]).encode()
    try:
        _prove_only_change(data, new_data, scalar, new_value, pure=False)
    except _SyntaxFault:
        _prove_with_pure_parser(data, new_data, scalar, new_value)
    return new_data


def load_with_places(text: str) -> tuple[Any, dict[tuple[str | int, ...], tuple[int, int]]]:
    """Load a small file that people write, such as the settings, with the place of every key and element.

    Returns:
        The data, and `{path: (line, column)}`, both from 1. A mapping's entry is found at its key. Keys and
        dates are text.

    Raises:
        YamlFault: The text is no valid YAML, a key stands twice, or it says more than plain data.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor that stands twice: the later one counts
            root = yaml.compose(text)
    except YAMLError as exc:
        raise _fault_from(exc) from exc
    except RecursionError as exc:
        raise YamlFault("invalid-yaml", "nested too deep", 1, 1) from exc
    except Exception as exc:  # such as its assertion on a version of YAML that it does not know
        raise YamlFault("invalid-yaml", f"the parser gives up: {exc}", 1, 1) from exc
    places: dict[tuple[str | int, ...], tuple[int, int]] = {}

    def build(node: Any, path: tuple[str | int, ...]) -> Any:
        # An alias is the node it stands for, which may be large or lie inside itself.
        if len(path) > MAX_DEPTH or len(places) > _MAX_PLACES:
            raise _fault_at(node, "nested too deep or too large")
        kind = node.tag.rpartition(":")[2]
        if node.id == "scalar" and _HALF.search(node.value):
            raise _fault_at(node, "an escape stands for half of a character; write the character itself")
        match node.id, kind:
            case "mapping", "map":
                return build_mapping(node, path)
            case "sequence", "seq":
                return [build_at(each, each, (*path, index)) for index, each in enumerate(node.value)]
            case "scalar", "timestamp" | "value":
                return node.value
            case "scalar", "null" | "bool" | "int" | "float" | "str":
                pass
            case _:
                raise _fault_at(node, f"{node.tag} is no plain data")
        try:
            return yaml.constructor.construct_object(node)
        except (ValueError, KeyError) as exc:
            raise _fault_at(node, f"{node.value[:60]} is no {kind}") from exc

    def build_mapping(node: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise _fault_at(key, "a key must be text")
            if key.value in mapping:
                raise _fault_at(key, f'the key "{key.value}" stands twice')
            mapping[key.value] = build_at(key, value, (*path, key.value))
        return mapping

    def build_at(marked: Any, node: Any, path: tuple[str | int, ...]) -> Any:
        places[path] = (marked.start_mark.line + 1, marked.start_mark.column + 1)
        return build(node, path)

    return (None if root is None else build(root, ())), places


def decode_text(data: bytes) -> tuple[str, str]:
    """Return a file as text without byte-order mark, and the mark (or an empty string)."""
    text = data.decode("utf-8")
    return (text[1:], _BOM) if text.startswith(_BOM) else (text, "")


def _require_utf8(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as exc:
        before = data[: exc.start]
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        raise YamlFault("invalid-encoding", "not valid UTF-8", before.count(b"\n") + 1, column) from exc


def _require_no_tag_directive(data: bytes) -> None:
    match = _TAG_DIRECTIVE.search(data.removeprefix(_BOM_BYTES))
    if match is not None:
        line = data.count(b"\n", 0, match.end()) + 1
        raise YamlFault("invalid-yaml", "a line begins with %TAG, which no item needs", line, 1)


def _events(data: bytes, *, pure: bool) -> Iterator[Any]:
    """Yield parser events; the C parser is fast, the pure one takes all of YAML 1.2.

    The C parser refuses some valid text, such as a colon in a plain scalar between braces.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        yield from YAML(typ="safe", pure=pure).parse(data.removeprefix(_BOM_BYTES))
    except YAMLError as exc:
        fault = _fault_from(exc)
        raise _SyntaxFault(fault.reason, fault.detail, fault.line, fault.column) from exc
    except RecursionError as exc:
        raise YamlFault("invalid-yaml", "nested too deep", 1, 1) from exc
    except YamlFault:
        raise
    except Exception as exc:  # the parsers assert what they did not expect, such as a %YAML 1.4
        raise _SyntaxFault("invalid-yaml", f"the parser gives up: {exc}", 1, 1) from exc


def _fault_from(exc: Exception) -> YamlFault:
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or str(exc).splitlines()[0]
    reason = "duplicate-key" if type(exc).__name__ == "DuplicateKeyError" else "invalid-yaml"
    if mark is None:
        return YamlFault(reason, str(problem), 1, 1)
    return YamlFault(reason, str(problem), mark.line + 1, mark.column + 1)


def _fault_at(event: Any, detail: str) -> YamlFault:
    return YamlFault("invalid-yaml", detail, event.start_mark.line + 1, event.start_mark.column + 1)


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
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _HALF.search(text) else text


def _other(event: Any, kind: str) -> Other:
    return Other(kind, event.start_mark.line + 1, event.start_mark.column + 1)


def _prove_with_pure_parser(old: bytes, new: bytes, scalar: Scalar, new_value: str) -> None:
    try:
        if len(old) > MAX_PURE_BYTES:
            raise UnsafeEditError("the edited file is no valid YAML")
        _prove_only_change(old, new, scalar, new_value, pure=True)
    except YamlFault as exc:
        raise UnsafeEditError(f"the edited file is no valid YAML: {exc.detail}") from exc


def _prove_only_change(old: bytes, new: bytes, scalar: Scalar, new_value: str, *, pure: bool) -> None:
    from ruamel.yaml.events import AliasEvent, ScalarEvent

    changed = False
    for before, after in zip_longest(_events(old, pure=pure), _events(new, pure=pure)):
        if before is None or after is None or type(before) is not type(after):
            raise UnsafeEditError("the edited file has another structure")
        anchor = getattr(before, "anchor", None)
        if type(before) is AliasEvent and scalar.anchor is not None and anchor == scalar.anchor:
            raise UnsafeEditError("an alias elsewhere in the file refers to this value")
        if type(before) is ScalarEvent and before.start_mark.index == scalar.start and not changed:
            changed = True
            if before.value != scalar.value or after.value != new_value or before.style != after.style:
                raise UnsafeEditError("the edited value does not read back as written")
        elif getattr(before, "value", None) != getattr(after, "value", None):
            raise UnsafeEditError("another value of the file would change")
        if anchor != getattr(after, "anchor", None) or _tag(before) != _tag(after):
            raise UnsafeEditError("an anchor or a tag of the file would change")
    if not changed:
        raise UnsafeEditError("the value was not found again")


def _tag(event: Any) -> tuple[object, object]:
    return getattr(event, "tag", None), getattr(event, "implicit", None)
