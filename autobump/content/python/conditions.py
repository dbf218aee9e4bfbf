"""What a condition of Python code says of when its branches run.

Only what is the same for every run counts: constants, `TYPE_CHECKING`, and the version of Python. Everything
else may be true and may be false.
"""

import ast
from collections.abc import Iterable
from functools import reduce

from msgspec import Struct

from autobump.content.python.versions import (
    ALL,
    NONE,
    Versions,
    both,
    either,
    following,
    opposite,
    series,
    since,
)

IMPORT_FAILURES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
"""Exceptions whose handlers catch an import that fails."""

_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}
_WHOLE = 5
"""How many parts `sys.version_info` has."""


class Branches(Struct, frozen=True):
    """The Pythons on which a condition may be true, and those on which it may be false."""

    true: Versions
    false: Versions


UNKNOWN = Branches(ALL, ALL)


def read_condition(test: ast.expr) -> Branches:
    """Say on which Pythons a condition may be true, and on which false.

    Source: `TYPE_CHECKING` is false when code runs (documentation of Python's module `typing`);
    `sys.version_info` is a tuple of five parts, compared part by part (documentation of `sys`).
    """
    try:
        return _read(test)
    except RecursionError:
        return UNKNOWN


def suppresses_import_failure(node: ast.With | ast.AsyncWith) -> bool:
    """Whether a `with` block goes on behind an import that fails."""
    return any(
        isinstance(item.context_expr, ast.Call)
        and _last_name(item.context_expr.func) == "suppress"
        and names_import_failure(item.context_expr.args)
        for item in node.items
    )


def names_import_failure(exceptions: Iterable[ast.expr]) -> bool:
    """Whether any of these exceptions is one that an import which fails raises."""
    return any(
        names_import_failure(one.elts) if isinstance(one, ast.Tuple) else _last_name(one) in IMPORT_FAILURES
        for one in exceptions
    )


def _read(test: ast.expr) -> Branches:
    match test:
        case ast.Constant(value=value):
            return Branches(ALL, NONE) if value else Branches(NONE, ALL)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _read(operand)
            return Branches(inner.false, inner.true)
        case ast.BoolOp(op=ast.And(), values=values):
            return reduce(_and, map(_read, values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return reduce(_or, map(_read, values))
        case ast.Name() | ast.Attribute() if _last_name(test) == "TYPE_CHECKING":
            return Branches(NONE, ALL)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            pairs = zip([left, *comparators], ops, comparators, strict=False)
            return reduce(_and, (_compare(one, type(op), other) for one, op, other in pairs))
        case _:
            return UNKNOWN


def _and(one: Branches, other: Branches) -> Branches:
    return Branches(both(one.true, other.true), either(one.false, other.false))


def _or(one: Branches, other: Branches) -> Branches:
    return Branches(either(one.true, other.true), both(one.false, other.false))


def _compare(left: ast.expr, op: type[ast.cmpop], right: ast.expr) -> Branches:
    """Say when `sys.version_info`, or its first parts, compare with numbers as the operator says."""
    if _count_parts(left) is None:
        left, right, op = right, left, _MIRRORED.get(op, op)
    parts, numbers = _count_parts(left), _read_numbers(right, alone=_is_number(left))
    if parts is None or numbers is None or op not in _MIRRORED:
        return UNKNOWN
    true = _select(op, parts, numbers)
    return Branches(true, opposite(true))


def _select(op: type[ast.cmpop], parts: int, numbers: tuple[int, ...]) -> Versions:
    """Return the versions whose first `parts` parts compare with numbers as the operator says."""
    if op in (ast.NotEq, ast.Lt, ast.LtE):
        inverse: dict[type[ast.cmpop], type[ast.cmpop]] = {
            ast.NotEq: ast.Eq,
            ast.Lt: ast.GtE,
            ast.LtE: ast.Gt,
        }
        return opposite(_select(inverse[op], parts, numbers))
    if len(numbers) == parts:
        if op is ast.Eq:
            return series(numbers)
        return since(numbers if op is ast.GtE else following(numbers))
    if op is ast.Eq:
        return NONE
    # Of two tuples that begin alike the longer one is the greater.
    return since(numbers if len(numbers) < parts else following(numbers[:parts]))


def _count_parts(node: ast.expr) -> int | None:
    """Return how many parts of `sys.version_info` this is, or None for anything else."""
    match node:
        case ast.Name() | ast.Attribute() if _last_name(node) == "version_info":
            return _WHOLE
        case ast.Attribute(value=value) | ast.Subscript(value=value) if _is_number(node):
            return 1 if _count_parts(value) == _WHOLE else None
        case ast.Subscript(
            value=value, slice=ast.Slice(lower=None, upper=ast.Constant(value=upper), step=None)
        ):
            whole = _count_parts(value) == _WHOLE
            return upper if whole and isinstance(upper, int) and 1 <= upper <= _WHOLE else None
        case _:
            return None


def _is_number(node: ast.expr) -> bool:
    """Whether this is the first part of a tuple, and no tuple itself."""
    match node:
        case ast.Attribute(attr="major") | ast.Subscript(slice=ast.Constant(value=0)):
            return True
        case _:
            return False


def _read_numbers(node: ast.expr, *, alone: bool) -> tuple[int, ...] | None:
    """Return the numbers of a tuple, or a number that stands alone, if they say no more than three parts."""
    if isinstance(node, ast.Tuple) is alone:
        return None
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    values = [one.value if isinstance(one, ast.Constant) else None for one in elements]
    numbers = tuple(value for value in values if type(value) is int and 0 <= value < 10_000)
    return numbers if 0 < len(numbers) == len(values) <= 3 else None


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
