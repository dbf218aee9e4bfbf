"""Which modules a Python file imports."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

MAX_PARSED_WORDS = 150_000
"""A file of more words and signs is read line by line: each can take a kilobyte of the syntax tree."""

_NAME = r"[^\W\d]\w*"
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_IMPORT = re.compile(rf"\s*import\s+({_PATH}(?:\s+as\s+{_NAME})?(?:\s*,\s*{_PATH}(?:\s+as\s+{_NAME})?)*)")
_FROM = re.compile(rf"\s*from\s+({_PATH})\s+import\s+(.*)")
# Not behind a space: in a long run of spaces it would be tried from each of them to the end of the run.
_AS = re.compile(rf"(?<!\s)\s+as\s+{_NAME}")
_WORD = re.compile(r"\w+|[^\w\s]")
_TRY = re.compile(r"\s*try\s*:")
_INDENT = re.compile(r"[ \t]*")
_TOKEN = re.compile(
    r"""
    (?P<string> \"{3} (?:\\.|[^\\])*? (?:\"{3}|\Z) | '{3} (?:\\.|[^\\])*? (?:'{3}|\Z)
        | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? )
    | (?P<comment> \#[^\n]* ) | (?P<join> \\\r?\n ) | (?P<end> \n ) | (?P<semicolon> ; )
    | (?P<open> [(\[{] ) | (?P<close> [)\]}] )
    """,
    re.DOTALL | re.VERBOSE,
)
_FRESH = re.compile(r"(?:import|from|def|class)\s")
"""What begins a statement at the left edge whatever bracket is still open."""


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
    for line in _logical_lines(source):
        indent = len(line) - len(line.lstrip())
        while tries and indent <= tries[-1] and not line.lstrip().startswith(("except", "else", "finally")):
            tries.pop()
        if _TRY.match(line):
            tries.append(indent)
            line = line[line.index(":") + 1 :]
        if match := _FROM.match(line):
            module = re.sub(r"\s", "", match[1])
            for name in _AS.sub("", _squeeze(match[2].strip(" ()"))).split(","):
                plain = name.strip(" \t()\\")
                if re.fullmatch(_NAME, plain):
                    yield Import(f"{module}.{plain}", bool(tries))
                elif plain == "*":
                    yield Import(module, bool(tries))
        elif match := _IMPORT.match(line):
            for name in _AS.sub("", _squeeze(match[1])).split(","):
                yield Import(re.sub(r"\s", "", name), bool(tries))


def _squeeze(text: str) -> str:
    """Return a text with one blank for each run of them: no pattern then tries a long run over and over."""
    return " ".join(text.split())


def _logical_lines(source: str) -> Iterator[str]:
    """Yield the statements with strings and comments taken out, and bracketed lines joined.

    Python's own tokenizer refuses Python 2, each version of it something else; this one takes anything.
    """
    line: list[str] = []
    depth = position = 0
    for match in _TOKEN.finditer(source):
        if match.start() > position or not line:  # millions of brackets have as many empty texts between them
            line.append(source[position : match.start()])
        position = match.end()
        match match.lastgroup:
            case "open":
                depth += 1
                line.append("(")
            case "close":
                depth = max(depth - 1, 0)
                line.append(")")
            case "end" if depth == 0 or _FRESH.match(source, position):
                yield "".join(line)
                line, depth = [], 0
            case "semicolon" if depth == 0:
                indent = _INDENT.match(line[0]) if line else None
                yield "".join(line)
                line = [indent[0] if indent else ""]
            case _:
                line.append(" ")
    yield "".join([*line, source[position:]])
