"""Reads the statements of Python code line by line, where today's Python cannot parse the file."""

import ast
import re
from collections.abc import Iterator

from msgspec import Struct, field

from autobump.content.python.conditions import (
    IMPORT_FAILURES,
    UNKNOWN,
    Branches,
    read_condition,
    suppresses_import_failure,
)
from autobump.content.python.versions import ALL, Versions, both

MAX_STATEMENT = 65_536
"""A statement of more characters, without its strings, was not written by a person."""

_NAME = r"[^\W\d]\w*"
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_IMPORT = re.compile(rf"import\s+({_PATH}(?:\s+as\s+{_NAME})?(?:\s*,\s*{_PATH}(?:\s+as\s+{_NAME})?)*)")
_FROM = re.compile(rf"from\s+({_PATH})\s+import\s+(.*)")
_AS = re.compile(rf"\s+as\s+{_NAME}")
_INDENT = re.compile(r"[^\S\n]*")
# What matches as long as it likes repeats one character and no group, of which each repetition takes memory.
_TOKEN = re.compile(
    r"""
    (?P<string> "{3} | '{3} | " | ' ) | (?P<comment> \#[^\n]* ) | (?P<blanks> [^\S\n]{2,} )
    | (?P<join> \\\r?\n ) | (?P<end> \n ) | (?P<semicolon> ;+ )
    | (?P<open> [(\[{]+ ) | (?P<close> [)\]}]+ )
    """,
    re.VERBOSE,
)
_RUNS = ("open", "close", "semicolon")
"""Tokens of as many characters as stand side by side."""

_STRING_ENDS = {
    quote: re.compile(r"\\.|" + end, re.DOTALL)
    for quote, end in (('"', r'"|\n'), ("'", r"'|\n"), ('"""', '"""'), ("'''", "'''"))
}
_FRESH = re.compile(r"(?:import|from|def|class)\s")
"""What begins a statement at the left edge whatever bracket is still open."""

_HEADER = re.compile(r"(?:if|elif|else|while|for|try|except|finally|with|async|def|class)\b")
_TELLING = re.compile(rf"{_HEADER.pattern}|(?:import|from)\s")
"""What begins a statement that tells something outside of all blocks."""

_TOLD = re.compile(r"\b(?:TYPE_CHECKING|version_info|suppress|True|False|None|[0-9]+)\b")
_MAX_CONDITION = 500
"""A longer condition, without its strings, counts as one that may be true and may be false."""


_MAX_DEPTH = 100
"""Python takes no deeper block; what is deeper counts as part of the one around it."""


class Found(Struct):
    """An import: the module, whether the file may do without it, and the Pythons that run it."""

    module: str
    guarded: bool
    runs: Versions


class _Block(Struct):
    """A compound statement that is open.

    Attributes:
        indent: Of its header.
        runs: The Pythons that run the branch that is read.
        rest: Those that run the branches that follow.
        guarded: Whether imports in all of it are guarded, whatever its handlers catch.
        is_try: Whether it has handlers.
        tried: Begin and end of the imports that are guarded if a handler catches their failure.
        start: Begin of those of the branch that is read, or -1 where it has none of these.
        catches: Whether a handler does.
    """

    indent: int
    runs: Versions
    rest: Versions
    guarded: bool
    is_try: bool
    start: int
    tried: list[tuple[int, int]] = field(default_factory=list)
    catches: bool = False


_OUTSIDE = _Block(-1, ALL, ALL, guarded=False, is_try=False, start=-1)


def read_lines(source: str) -> Iterator[Found]:
    """Yield every absolute import, without understanding the rest."""
    found: list[Found] = []
    blocks: list[_Block] = []
    for indent, statement in read_statements(source):
        if not (blocks or _TELLING.match(statement)):
            continue
        rest, inside = statement, indent
        if match := _HEADER.match(statement):
            header, rest = _split_header(statement)
            _open(blocks, found, indent, match[0], header)
            inside += 1  # what stands behind the colon is in the block
        if not rest:
            continue
        _close(blocks, found, inside)
        around = blocks[-1] if blocks else _OUTSIDE
        found += [Found(module, around.guarded, around.runs) for module in _modules_of(rest)]
        if found and not any(block.is_try for block in blocks):
            yield from found
            found.clear()
    _close(blocks, found, 0)
    yield from found


def _close(blocks: list[_Block], found: list[Found], indent: int) -> None:
    """Close the blocks that a statement with this indent is not in."""
    while blocks and indent <= blocks[-1].indent:
        block = blocks.pop()
        _end_branch(block, found)
        for start, end in block.tried if block.catches else ():
            for one in found[start:end]:
                one.guarded = True


def _end_branch(block: _Block, found: list[Found]) -> None:
    if block.start >= 0:
        block.tried.append((block.start, len(found)))
        block.start = -1


def _open(blocks: list[_Block], found: list[Found], indent: int, keyword: str, header: str) -> None:
    """Open a block, or the next branch of the one that is open."""
    if keyword in ("elif", "else", "except", "finally"):
        _close(blocks, found, indent + 1)
        if blocks and blocks[-1].indent == indent:
            _end_branch(blocks[-1], found)
            _follow(blocks[-1], len(found), keyword, header)
        return
    _close(blocks, found, indent)
    around = blocks[-1] if blocks else _OUTSIDE
    is_try = keyword == "try"
    guards = keyword in ("with", "async") and _suppresses(header)
    if len(blocks) < _MAX_DEPTH and (is_try or guards or keyword in ("if", "while")):
        condition = _read_header(header) if keyword in ("if", "while") else UNKNOWN
        runs, rest = both(around.runs, condition.true), both(around.runs, condition.false)
        start = len(found) if is_try else -1
        blocks.append(_Block(indent, runs, rest, around.guarded or guards, is_try, start))


def _follow(block: _Block, start: int, keyword: str, header: str) -> None:
    if keyword == "except":
        names = set(re.findall(r"\w+", header)) - {"except"}
        block.catches |= not names or not names.isdisjoint(IMPORT_FAILURES)
        block.start = start
    condition = _read_header(header.removeprefix("el")) if keyword == "elif" else UNKNOWN
    block.runs = both(block.rest, condition.true)
    block.rest = both(block.rest, condition.false)


def _read_header(header: str) -> Branches:
    node = _parse_header(header)
    return read_condition(node.test) if isinstance(node, ast.If | ast.While) else UNKNOWN


def _suppresses(header: str) -> bool:
    node = _parse_header(header)
    return isinstance(node, ast.With | ast.AsyncWith) and suppresses_import_failure(node)


def _parse_header(header: str) -> ast.stmt | None:
    if len(header) > _MAX_CONDITION or not _TOLD.search(header):
        return None
    try:
        return ast.parse(f"{header} pass").body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _split_header(statement: str) -> tuple[str, str]:
    """Return a header with its colon, and what stands behind it; a colon in brackets or in `:=` ends none."""
    depth = 0
    for match in re.finditer(r"[()\[\]{}]|:=?", statement):
        if match[0] in "([{":
            depth += 1
        elif match[0] in ")]}":
            depth -= 1
        elif match[0] == ":" and depth <= 0:
            return statement[: match.end()], statement[match.end() :].lstrip()
    return statement, ""


def _modules_of(statement: str) -> Iterator[str]:
    if match := _FROM.match(statement):
        module = re.sub(r"\s", "", match[1])
        for name in _AS.sub("", match[2].strip(" ()")).split(","):
            plain = name.strip(" \t()\\")
            if re.fullmatch(_NAME, plain):
                yield f"{module}.{plain}"
            elif plain == "*":
                yield module
    elif match := _IMPORT.match(statement):
        for name in _AS.sub("", match[1]).split(","):
            yield re.sub(r"\s", "", name)


def read_statements(source: str) -> Iterator[tuple[int, str]]:
    """Yield every statement with its indent, strings and comments taken out, and bracketed lines joined.

    Python's own tokenizer refuses Python 2, each version of it something else; this one takes anything.
    Statements come with one blank for each run of them: no pattern then tries a long run over and over. One
    that is too long is empty. One behind a semicolon is indented deeper than what its line begins with.
    """
    pieces: list[str] = []
    length = depth = position = 0
    indent = _indent_at(source, 0)
    while match := _TOKEN.search(source, position):
        start, kind = match.start(), match.lastgroup
        if start > position and length <= MAX_STATEMENT:
            pieces.append(source[position:start])
        length += start - position + 1
        position = match.end()
        if kind == "end" and (depth == 0 or _FRESH.match(source, position)):
            yield indent, _joined(pieces, length)
            length = depth = 0
            indent = _indent_at(source, position)
            continue
        if kind == "semicolon" and depth == 0:
            yield indent, _joined(pieces, length)
            length = 0
            indent += position - start
            continue
        if kind == "open":
            depth += position - start
        elif kind == "close":
            depth = max(depth - (position - start), 0)
        if kind in _RUNS:
            length += position - start - 1
        elif kind == "string":
            position = _end_of_string(source, position, match[0])
        if length <= MAX_STATEMENT:
            pieces.append(match[0] if kind in ("open", "close") else " ")
    pieces.append(source[position:])
    yield indent, _joined(pieces, length + len(source) - position)


def _joined(pieces: list[str], length: int) -> str:
    """Return a statement, and begin the next one."""
    statement = " ".join("".join(pieces).split()) if length <= MAX_STATEMENT else ""
    pieces.clear()
    return statement


def _indent_at(source: str, position: int) -> int:
    blanks = _INDENT.match(source, position)
    return blanks.end() - position if blanks else 0


def _end_of_string(source: str, start: int, quote: str) -> int:
    for match in _STRING_ENDS[quote].finditer(source, start):
        if match[0] == "\n":
            return match.start()
        if match[0] == quote:
            return match.end()
    return len(source)
