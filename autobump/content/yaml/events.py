"""The parsers' events, and what is wrong where a text is not the YAML it should be.

ruamel.yaml is imported only when it is needed: a pass over content that is remembered does not need it.
Content files are never loaded into objects: the event stream is enough to find a key, costs a fiftieth of a
round-trip load, and cannot be made to expand aliases or build types.
"""

import re
from collections.abc import Iterator
from typing import Any

MAX_PURE_BYTES = 32 * 1024
"""Largest file that the pure parser is given: each element takes it a millisecond. Of the 1,569 items of a
real repository none needs it."""

_MAX_DETAIL = 200

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""How the file begins that Git LFS commits in the place of a large one.

Source: specification of Git LFS, docs/spec.md.
"""

LFS_DETAIL = (
    "a Git LFS pointer and not the file; git lfs pull fetches the file into a work tree, and git lfs migrate "
    "export puts it into git, where autobump reads it"
)

# The mark of a directive that declares a handle for tags. The parser compares each with all before it, and
# writes what it stands for into every tag that uses it.
_TAG_DIRECTIVE = re.compile(rb"(?:\A|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])%TAG")
HALF_OF_A_CHARACTER = re.compile("[\ud800-\udfff]")
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


class SyntaxFault(YamlFault):
    """One parser says the text is no YAML."""


def decode_text(data: bytes) -> tuple[str, str]:
    """Return a file as text without byte-order mark, and the mark (or an empty string)."""
    text = data.decode("utf-8")
    return (text[1:], _BOM) if text.startswith(_BOM) else (text, "")


def require_utf8(data: bytes) -> None:
    """Refuse a file that is no UTF-8.

    Raises:
        YamlFault: It is none.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as exc:
        before = data[: exc.start]
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        raise YamlFault("invalid-encoding", "not valid UTF-8", before.count(b"\n") + 1, column) from exc


def require_no_tag_directive(data: bytes) -> None:
    """Refuse a file with `%TAG`.

    Raises:
        YamlFault: It has one.
    """
    if b"%TAG" not in data:  # found out many times faster than by the pattern
        return
    if match := _TAG_DIRECTIVE.search(data.removeprefix(_BOM_BYTES)):
        line = data.count(b"\n", 0, match.end()) + 1
        raise YamlFault("invalid-yaml", "a line begins with %TAG, which no item needs", line, 1)


def read_events(data: bytes, *, pure: bool) -> Iterator[Any]:
    """Yield parser events; the C parser is fast, the pure one takes all of YAML 1.2.

    The C parser refuses some valid text, such as a colon in a plain scalar between braces.
    """
    from ruamel.yaml.error import YAMLError

    try:
        yield from _parse(data.removeprefix(_BOM_BYTES), pure=pure)
    except YAMLError as exc:
        fault = fault_from(exc)
        raise SyntaxFault(fault.reason, fault.detail, fault.line, fault.column) from exc
    except RecursionError as exc:
        raise YamlFault("invalid-yaml", "nested too deep", 1, 1) from exc
    except YamlFault:
        raise
    except Exception as exc:  # the parsers assert what they did not expect, such as a %YAML 1.4
        raise SyntaxFault("invalid-yaml", f"the parser gives up: {exc}", 1, 1) from exc


def _parse(data: bytes, *, pure: bool) -> Iterator[Any]:
    try:
        from _ruamel_yaml import CParser
    except ImportError:  # not CPython
        pure = True
    if pure:
        from ruamel.yaml import YAML

        yield from YAML(typ="safe", pure=True).parse(data)
        return
    # YAML would look for its plug-ins, and make a class, for each file: a fifth of what reading it takes.
    parser = CParser(data)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def fault_from(exc: Exception) -> YamlFault:
    """Return what a parser found wrong."""
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or str(exc).splitlines()[0]
    reason = "duplicate-key" if type(exc).__name__ == "DuplicateKeyError" else "invalid-yaml"
    if mark is None:
        return YamlFault(reason, str(problem), 1, 1)
    return YamlFault(reason, str(problem), mark.line + 1, mark.column + 1)


def fault_at(event: Any, detail: str) -> YamlFault:
    """Return what is wrong at an event or a node."""
    return YamlFault("invalid-yaml", detail, event.start_mark.line + 1, event.start_mark.column + 1)
