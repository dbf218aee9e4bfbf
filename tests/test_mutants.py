"""The list of mutants that are equal speaks of code that is there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.__main__ import read_equal
from tests.mutants.targets import TARGETS

ROOT = Path(__file__).resolve().parents[1]


def places(node: ast.AST, around: str = "") -> Iterator[str]:
    """Yield the functions and classes of a module with those around them, and the names at its top."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield f"{around}{name}"
                yield from places(child, f"{around}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if (
                not around
            ):
                yield name


@pytest.mark.parametrize("key", read_equal(), ids=lambda key: f"{key[0]}:{key[1]}")
def test_mutant_that_is_listed_as_equal_changes_code_that_is_there(key: tuple[str, str, str, str]) -> None:
    module, place, old, new = key
    code = (ROOT / "autobump" / module).read_text()
    assert place in set(places(ast.parse(code)))
    assert old in " ".join(code.split())
    assert old != new
    assert read_equal()[key]


def test_every_module_whose_mutants_are_made_and_all_of_its_tests_are_there() -> None:
    for target in TARGETS:
        assert (ROOT / "autobump" / target.module).is_file()
        assert all((ROOT / "tests" / test).is_file() for test in target.tests)
    assert {module for module, *_ in read_equal()} <= {target.module for target in TARGETS}
