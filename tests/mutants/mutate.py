"""Makes the mutants of a module: the same code with one small change.

The changes are mutmut's. Its own runner is not used: it leaves out what stands outside of functions or has a
decorator, and so the table of rules, every property and what is cached.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string


@dataclass(frozen=True)
class Mutant:
    """One mutant.

    Attributes:
        place: The function, class or name at the top of the module that it is in, with those around it.
        old: The lines that change, with single spaces.
        new: What stands there instead.
        code: The code of the whole module.
    """

    place: str
    old: str
    new: str
    code: str


def make_mutants(code: str) -> Iterator[Mutant]:
    """Yield the mutants of a module, from its top down."""
    wrapper = MetadataWrapper(cst.parse_module(code), unsafe_skip_copy=True)
    module, spans = wrapper.module, wrapper.resolve(WhitespaceInclusivePositionProvider)
    starts = [0, *itertools.accumulate(len(line) for line in code.splitlines(keepends=True))]
    for place, node in _walk(module, ""):
        for kind, operator in mutation_operators:
            if not isinstance(node, kind):
                continue
            for position, changed in enumerate(operator(node)):
                if operator is operator_string and position:
                    break  # one wrong text tells as much as three
                if isinstance(changed, cst.BaseCompoundStatement):  # its lines are indented
                    mutated = cst.ensure_type(module.deep_replace(node, changed), cst.Module).code
                else:
                    begin, end = spans[node].start, spans[node].end
                    before = code[: starts[begin.line - 1] + begin.column]
                    after = code[starts[end.line - 1] + end.column :]
                    mutated = before + module.code_for_node(changed) + after
                if mutated != code:
                    yield Mutant(place, *_difference(code, mutated), mutated)


def _walk(node: cst.CSTNode, place: str) -> Iterator[tuple[str, cst.CSTNode]]:
    """Yield what may be changed, with its place; texts that describe, types and imports may not."""
    for child in node.children:
        inner = place
        match child:
            case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom():
                continue
            case cst.Expr(value=cst.BaseString()):
                continue
            case cst.Raise(exc=cst.Call(func=cst.Name("AssertionError"))):
                continue  # says that something cannot be
            case cst.If(test=cst.Name("TYPE_CHECKING")):
                continue
            case cst.Call(func=cst.Name("isinstance" | "len" | "cast")):
                continue  # without their arguments they cannot run
            case cst.Assign(value=cst.Call(func=cst.Name("TypeVar"))):
                continue
            case cst.Assign(value=cst.Subscript() | cst.BinaryOperation(operator=cst.BitOr())) if not place:
                continue  # a name for a type
            case cst.Assign(targets=[cst.AssignTarget(cst.Name("__slots__"))]):
                continue
            case cst.FunctionDef() | cst.ClassDef():
                inner = f"{place}.{child.name.value}".lstrip(".")
            case cst.Assign(targets=[cst.AssignTarget(target)]) if not place:
                inner = get_full_name_for_node(target) or ""
            case cst.AnnAssign(target=target) if not place:
                inner = get_full_name_for_node(target) or ""
        yield inner, child
        yield from _walk(child, inner)


def _difference(old: str, new: str) -> tuple[str, str]:
    """Return the lines in which two texts differ."""
    before, after = old.splitlines(), new.splitlines()
    shorter = min(len(before), len(after))
    start = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    end = next((n for n in range(shorter - start) if before[-n - 1] != after[-n - 1]), shorter - start)
    lines = before[start : len(before) - end], after[start : len(after) - end]
    return " ".join(" ".join(lines[0]).split()), " ".join(" ".join(lines[1]).split())
