"""Which modules a Python file imports, and what an item needs of them."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

MAX_PARSED_WORDS = 75_000
"""A file of more words and signs is read line by line: each can take two kilobytes of the syntax tree."""

MAX_STATEMENT = 65_536
"""A statement of more characters, without its strings, was not written by a person."""

_NAME = r"[^\W\d]\w*"
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_IMPORT = re.compile(rf"import\s+({_PATH}(?:\s+as\s+{_NAME})?(?:\s*,\s*{_PATH}(?:\s+as\s+{_NAME})?)*)")
_FROM = re.compile(rf"from\s+({_PATH})\s+import\s+(.*)")
_AS = re.compile(rf"\s+as\s+{_NAME}")
_WORD = re.compile(r"\w+|[^\w\s]")
_TRY = re.compile(r"try\s*:")
_INDENT = re.compile(r"[^\S\n]*")
# What matches as long as it likes repeats one character and no group, of which each repetition takes memory.
_TOKEN = re.compile(
    r"""
    (?P<string> "{3} | '{3} | " | ' ) | (?P<comment> \#[^\n]* ) | (?P<blanks> [^\S\n]{2,} )
    | (?P<join> \\\r?\n ) | (?P<end> \n ) | (?P<semicolon> ; )
    | (?P<open> [(\[{] ) | (?P<close> [)\]}] )
    """,
    re.VERBOSE,
)
_STRING_ENDS = {
    quote: re.compile(r"\\.|" + end, re.DOTALL)
    for quote, end in (('"', r'"|\n'), ("'", r"'|\n"), ('"""', '"""'), ("'''", "'''"))
}
_PLACES: dict[str | None, str] = {"open": "(", "close": ")"}
_FRESH = re.compile(r"(?:import|from|def|class)\s")
"""What begins a statement at the left edge whatever bracket is still open."""


@dataclass(frozen=True, slots=True)
class Use:
    """One module an item needs.

    Attributes:
        module: As imported, dotted.
        guarded: The code may do without it.
        through: The shared module of the content repository that imports it, or empty for the item itself.
    """

    module: str
    guarded: bool
    through: str = ""


@dataclass(frozen=True, slots=True)
class ItemCode:
    """What an item's code imports; `absent` says why that cannot be told, or is empty."""

    uses: tuple[Use, ...] = ()
    absent: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """One import.

    Attributes:
        module: The module, dotted; `from google.cloud import storage` gives `google.cloud.storage`, because
            only the package can tell whether `storage` is a module.
        guarded: It stands in a `try` that catches its failure, so the file may do without it.
    """

    module: str
    guarded: bool


def find_imports(source: str) -> tuple[Import, ...]:
    """Return every absolute import of a file, wherever it stands, sorted, each module once.

    Files that today's Python cannot parse (Python 2, or cut off) are read line by line instead. Text that is
    no Python has no imports. Never raises.
    """
    found: dict[str, bool] = {}
    for one in _imports(source):
        # One import without a guard makes the module needed.
        found[one.module] = found.get(one.module, True) and one.guarded
    return tuple(Import(module, guarded) for module, guarded in sorted(found.items()))


def _imports(source: str) -> Iterable[Import]:
    if _is_short(source):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # other people's escapes are not our business
                tree = ast.parse(source)
            return list(_from_tree(tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return _from_lines(source)


def _is_short(source: str) -> bool:
    return next(islice(_WORD.finditer(source), MAX_PARSED_WORDS, None), None) is None


def _from_tree(tree: ast.Module) -> Iterator[Import]:
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, guarded = waiting.pop()
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, guarded) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (
                    Import(module if alias.name == "*" else f"{module}.{alias.name}", guarded)
                    for alias in names
                )
            case ast.Try(body=body, handlers=handlers) if any(map(_catches_import, handlers)):
                waiting += [(child, True) for child in body]
                # What a handler imports instead is one of two ways, too.
                waiting += [(child, True) for handler in handlers for child in handler.body]
                waiting += [(child, guarded) for child in (*node.orelse, *node.finalbody)]
            case _:
                waiting += [(child, guarded) for child in ast.iter_child_nodes(node)]


def _catches_import(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {one.id if isinstance(one, ast.Name) else None for one in caught}
    return handler.type is None or bool(
        names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    )


def _from_lines(source: str) -> Iterator[Import]:
    """Read imports without understanding the rest; one below a `try:` counts as guarded."""
    tries: list[int] = []
    for indent, statement in _statements(source):
        if not statement.startswith(("except", "else", "finally")):
            while tries and indent <= tries[-1]:
                tries.pop()
        if match := _TRY.match(statement):
            tries.append(indent)
            statement = statement[match.end() :].lstrip()
        if match := _FROM.match(statement):
            module = re.sub(r"\s", "", match[1])
            for name in _AS.sub("", match[2].strip(" ()")).split(","):
                plain = name.strip(" \t()\\")
                if re.fullmatch(_NAME, plain):
                    yield Import(f"{module}.{plain}", bool(tries))
                elif plain == "*":
                    yield Import(module, bool(tries))
        elif match := _IMPORT.match(statement):
            for name in _AS.sub("", match[1]).split(","):
                yield Import(re.sub(r"\s", "", name), bool(tries))


def _statements(source: str) -> Iterator[tuple[int, str]]:
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
            indent += 1
            continue
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "string":
            position = _end_of_string(source, position, match[0])
        if length <= MAX_STATEMENT:
            pieces.append(_PLACES.get(kind, " "))
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
