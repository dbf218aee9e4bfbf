"""Which modules a Python file imports, and what an item needs of them."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from autobump.content.python.conditions import (
    names_import_failure,
    read_condition,
    suppresses_import_failure,
)
from autobump.content.python.lines import Found, read_lines
from autobump.content.python.versions import ALL, NONE, Versions, both, either

MAX_PARSED_WORDS = 75_000
"""A file of more words and signs is read line by line: each can take two kilobytes of the syntax tree."""

_WORD = re.compile(r"\w+|[^\w\s]")


class Use(Struct, frozen=True, array_like=True, order=True):
    """One module that code needs.

    Attributes:
        module: As imported, dotted; `from google.cloud import storage` gives `google.cloud.storage`, because
            only the package can tell whether `storage` is a module.
        guarded: The import stands where its failure is caught, so the code may do without it.
        through: The shared module of the content repository that imports it, or empty for the code itself.
        runs: The Pythons that run the import, as far as `sys.version_info` decides.
    """

    module: str
    guarded: bool
    through: str = ""
    runs: Versions = ALL


class ItemCode(Struct, frozen=True):
    """What an item's code imports; `absent` says why that cannot be told, or is empty."""

    uses: tuple[Use, ...] = ()
    absent: str = ""


def find_imports(source: str) -> tuple[Use, ...]:
    """Return every absolute import that may run, wherever it stands, sorted.

    What no Python runs does not count, such as what stands below `if TYPE_CHECKING`. A module comes once, or
    twice where some Pythons need it and others may do without. Files that today's Python cannot parse
    (Python 2, or cut off) are read line by line instead. Text that is no Python has no imports. Never raises.
    """
    found: dict[str, dict[bool, Versions]] = {}
    for one in _imports(source):
        if one.runs:
            ways = found.setdefault(one.module, {})
            ways[one.guarded] = either(ways.get(one.guarded, NONE), one.runs)
    return tuple(one for module, ways in sorted(found.items()) for one in _merge(module, ways))


def _merge(module: str, ways: dict[bool, Versions]) -> Iterator[Use]:
    """Yield a module as it is needed, and as it is guarded on Pythons that do not need it anyway."""
    needed, guarded = ways.get(False, NONE), ways.get(True, NONE)
    if needed:
        yield Use(module, guarded=False, runs=needed)
    if either(needed, guarded) != needed:
        yield Use(module, guarded=True, runs=guarded)


def _imports(source: str) -> Iterable[Found]:
    if _is_short(source):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # other people's escapes are not our business
                tree = ast.parse(source)
            return list(_read_tree(tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return read_lines(source)


def _is_short(source: str) -> bool:
    return next(islice(_WORD.finditer(source), MAX_PARSED_WORDS, None), None) is None


def _read_tree(tree: ast.Module) -> Iterator[Found]:
    waiting: list[tuple[ast.AST, bool, Versions]] = [(tree, False, ALL)]

    def wait(nodes: Iterable[ast.AST], runs: Versions, *, guarded: bool) -> None:
        waiting.extend((node, guarded, runs) for node in nodes)

    while waiting:
        node, guarded, runs = waiting.pop()
        match node:
            case ast.Import(names=names):
                yield from (Found(alias.name, guarded, runs) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (
                    Found(module if alias.name == "*" else f"{module}.{alias.name}", guarded, runs)
                    for alias in names
                )
            case ast.If(test=test, body=body, orelse=orelse) | ast.While(test=test, body=body, orelse=orelse):
                condition = read_condition(test)
                wait(body, both(runs, condition.true), guarded=guarded)
                wait(orelse, both(runs, condition.false), guarded=guarded)
            case ast.Try() | ast.TryStar():
                caught = any(map(_catches_import_failure, node.handlers))
                wait(node.body, runs, guarded=guarded or caught)
                # What a handler imports instead is one of two ways, too.
                for handler in node.handlers:
                    wait(handler.body, runs, guarded=guarded or caught)
                wait((*node.orelse, *node.finalbody), runs, guarded=guarded)
            case ast.With(body=body) | ast.AsyncWith(body=body) if suppresses_import_failure(node):
                wait(body, runs, guarded=True)
            case _:
                wait(ast.iter_child_nodes(node), runs, guarded=guarded)


def _catches_import_failure(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or names_import_failure([handler.type])
