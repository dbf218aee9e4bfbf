"""Finds the keys of plain block YAML by its lines, far cheaper than the parser, or says that it cannot.

A line at the left edge that looks like `key:` is a key unless it lies inside a quoted or bracketed value that
began above. To prove that none does, libyaml parses the whole text with a document mark put before every such
line: inside a quoted or bracketed value a mark is an error, and between two keys it changes nothing but the
number of documents. What cannot be proven so, for whatever reason, is left to the full parser.
"""

import re

from autobump.content.yaml.outline import MAX_KEYS, Other, Outline, Scalar

_ODD_BREAKS = ("\r", "\x85", "\u2028", "\u2029", "\ufeff")
"""Line ends other than LF, and the byte-order mark; files with them are rare enough for the full parser."""

_MAX_BRACKETS = 190
_DEEP = "\n" + " " * 45
_DEEP_SEQUENCE = "- " * 20
"""What may nest deeper than this goes to the full parser, which has a bound of its own."""

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):(?: +(.*))?")
# Each begins with a line feed and not with ^: the regular expression engine then leaps from line to line.
_TOP_LINE = re.compile(r"\n[^ \n].*")
_FIRST_CHILD = re.compile(r"\n( +)[^ #\n]")
_EMPTY = re.compile(r" *(?:#.*)?")
# Nothing repeats a group: for each repetition the engine would remember its way, a hundred times the text.
_SIMPLE = re.compile(
    r"""(?P<plain>[A-Za-z0-9_./][^#\n\t]*?)(?<![ :])(?P<tail> *(?: \#.*)?)"""
    r"""|'(?P<single>[^'\n\t]*)'(?: *(?: \#.*)?)"""
    r"""|"(?P<double>[^"\\\n\t]*)"(?: *(?: \#.*)?)"""
)


def scan_outline(text: str, wanted: frozenset[str], inside: frozenset[str]) -> Outline | None:
    """Read the top level of a YAML mapping, and the level below some keys, as the full parser would.

    Args:
        text: The whole file, decoded.
        wanted: Keys, of both levels, whose value must be known; other values come as `Other`.
        inside: Top-level keys whose own keys are wanted, too.

    Returns:
        What `read_outline` would return for these keys, or None when that cannot be proven.
    """
    if (
        any(mark in text for mark in _ODD_BREAKS)
        or text.count("[") + text.count("{") > _MAX_BRACKETS
        or _DEEP in text
        or _DEEP_SEQUENCE in text
    ):
        return None
    text = "\n" + text
    marks: list[int] = []
    found = _read_level(text, 0, len(text), 0, marks)
    if not found or not _only_comments(text[: found[0][2]]):
        return None
    outline: Outline = {}
    for index, (key, value, _, value_start) in enumerate(found):
        end = found[index + 1][2] if index + 1 < len(found) else len(text)
        node: Scalar | Other | Outline | None = Other("unread", 0, 0)
        if key in inside and _EMPTY.fullmatch(value):
            node = _scan_children(text, value_start + len(value), end, wanted, marks)
        elif key in inside and value[0] in "{[&*!?":
            node = None
        elif key in wanted:
            node = _read_scalar(text, value, value_start, end)
        if node is None or key in outline:
            return None
        outline[key] = node
    return outline if _parses_with_marks(text, marks) else None


def _scan_children(
    text: str, start: int, end: int, wanted: frozenset[str], marks: list[int]
) -> Outline | Other | None:
    if text.find("\n-", start, end) >= 0:
        return None  # a sequence at the left edge: the keys below it are its elements', not this key's
    first = _FIRST_CHILD.search(text, start, end)
    if first is None:
        return Other("unread", 0, 0)
    found = _read_level(text, start, end, len(first[1]), marks)
    if not found:
        return None
    outline: Outline = {}
    for index, (key, value, _, value_start) in enumerate(found):
        stop = found[index + 1][2] if index + 1 < len(found) else end
        node = _read_scalar(text, value, value_start, stop) if key in wanted else Other("unread", 0, 0)
        if node is None or key in outline:
            return None
        outline[key] = node
    return outline


def _read_level(
    text: str, start: int, end: int, indent: int, marks: list[int]
) -> list[tuple[str, str, int, int]] | None:
    """Return key, rest of line, and where both begin, for each key at an indent; None if a line is no key."""
    pattern = _TOP_LINE if indent == 0 else _line_at(indent)
    found: list[tuple[str, str, int, int]] = []
    for line in pattern.finditer(text, start, end):
        content = line[0][indent + 1 :]
        if content[0] == "#":
            continue
        if content[0] == "-":
            if not found or not (content.startswith("- ") or content == "-"):
                return None
            continue
        match = _KEY.fullmatch(content)
        if match is None or len(found) >= MAX_KEYS:
            return None
        value = match[2] or ""
        marks.append(line.start() + 1)
        found.append((match[1], value, line.start() + 1, line.end() - len(value)))
    return found


_LINES_AT: dict[int, re.Pattern[str]] = {}


def _line_at(indent: int) -> re.Pattern[str]:
    if indent not in _LINES_AT:
        _LINES_AT[indent] = re.compile(rf"\n{' ' * indent}[^ \n].*")
    return _LINES_AT[indent]


def _read_scalar(text: str, value: str, start: int, end: int) -> Scalar | Other | None:
    """Read a value that stands in one line; None when it needs the full parser."""
    rest = text[start + len(value) : end]
    if _EMPTY.fullmatch(value):
        # Nothing behind the key: null if nothing follows below it either.
        return _scalar("", start, plain=True) if not rest.strip(" \n") else None
    match = _SIMPLE.fullmatch(value)
    if match is None or (rest.strip(" \n") and not _only_comments(rest)):
        return None
    if match["plain"] is not None:
        if ": " in match["plain"]:
            return None
        return _scalar(match["plain"], start, plain=True)
    quoted = match["single"] if match["single"] is not None else match["double"]
    return _scalar(quoted, start + 1, plain=False)


def _only_comments(text: str) -> bool:
    return all(not line.strip(" ") or line.lstrip(" ").startswith("#") for line in text.split("\n"))


def _scalar(value: str, start: int, *, plain: bool) -> Scalar:
    # One less: the text was given a line feed before its first line.
    return Scalar(value, plain, False, None, start - 1, start - 1 + len(value), 0, 0)


def _parses_with_marks(text: str, marks: list[int]) -> bool:
    pieces = []
    position = 0
    for mark in sorted(marks):
        pieces.append(text[position:mark])
        position = mark
    pieces.append(text[position:])
    try:
        from _ruamel_yaml import CParser
    except ImportError:  # not CPython: the full parser does all the work
        return False
    try:
        CParser("---\n".join(pieces)).raw_parse()
    except Exception:  # whatever it is, the full parser says it better
        return False
    return True
