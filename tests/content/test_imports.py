from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.content import imports
from autobump.content.imports import Use, find_imports
from autobump.content.python import lines
from autobump.content.python.versions import may_be_in
from tests.fixtures.memory import bytes_to_read


def modules(source: str) -> list[str]:
    return [one.module for one in find_imports(source)]


def needed(source: str) -> list[str]:
    return [one.module for one in find_imports(source) if not one.guarded]


PYTHON_2 = '''\
# -*- coding: utf-8 -*-
"""A script
import not_me
"""
import urllib2, StringIO as S
from bs4 import (BeautifulSoup,  # the reader
    Tag as T)
from xml.dom \\
    import minidom
x = 0777; import httplib
def f():
    text = 'import me_neither'
    print "import nor_me", `x`
    from dateutil import parser; y = ur"z"
try:
    import json
except ImportError, e:
    import simplejson
raise ValueError, "a"
'''


def test_every_form_of_import_is_found() -> None:
    source = "import os, sys as s\nfrom google.cloud import storage, bigquery as b\nfrom yaml import *\n"
    assert modules(source) == ["google.cloud.bigquery", "google.cloud.storage", "os", "sys", "yaml"]


def test_imports_inside_functions_and_conditions_count() -> None:
    assert modules("def f():\n  if x:\n    import a\nclass C:\n  import b\n") == ["a", "b"]


def test_relative_imports_do_not_count() -> None:
    assert modules("from . import a\nfrom .b import c\nfrom ..d import *\n") == []


def test_import_that_may_fail_is_guarded() -> None:
    source = "try:\n  import a\nexcept ImportError:\n  import b\nelse:\n  import c\nimport d\n"
    assert needed(source) == ["c", "d"]
    assert modules(source) == ["a", "b", "c", "d"]


def test_try_for_other_failures_guards_nothing() -> None:
    assert needed("try:\n  import a\nexcept ValueError:\n  pass\n") == ["a"]
    assert needed("try:\n  import a\nfinally:\n  pass\n") == ["a"]


def test_module_that_is_needed_once_is_needed() -> None:
    assert needed("import a\ntry:\n  import a\nexcept Exception:\n  pass\n") == ["a"]


def test_python_2_is_read_line_by_line() -> None:
    with pytest.raises(SyntaxError):
        compile(PYTHON_2, "script", "exec")
    assert modules(PYTHON_2) == [
        "StringIO",
        "bs4.BeautifulSoup",
        "bs4.Tag",
        "dateutil.parser",
        "httplib",
        "json",
        "simplejson",
        "urllib2",
        "xml.dom.minidom",
    ]
    assert needed(PYTHON_2) == [name for name in modules(PYTHON_2) if "json" not in name]


def test_unfinished_string_or_bracket_loses_no_import_before_it() -> None:
    assert modules("import a\nprint 'x'\nx = (1,\nimport b\n") == ["a", "b"]
    assert modules('import a\nprint "x"\nx = """\nimport b\n') == ["a"]


def test_file_that_is_too_long_to_parse_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_PARSED_WORDS", 3)
    assert modules("import a\nfrom b import c\n" + "x = 1\n" * 10) == ["a", "b.c"]


@pytest.mark.parametrize(
    "source", ["", "\x00", "(" * 10_000, "import", "from import", "import \\", "if x:\n" * 2000]
)
def test_text_that_is_no_python_has_no_imports(source: str) -> None:
    assert modules(source) == []


@given(st.text())
def test_any_text_is_survived(source: str) -> None:
    find_imports(source)
    find_imports(f"print 'x'\n{source}")


def both_readers(source: str) -> list[tuple[Use, ...]]:
    """Return what the syntax tree tells and what the lines tell."""
    compile(source, "script", "exec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "MAX_PARSED_WORDS", 0)
        by_line = find_imports(source)
    return [find_imports(source), by_line]


NAMES: st.SearchStrategy[str] = st.from_regex(r"[a-z]{2}_[a-z]{1,4}(\.[a-z]{2}_){0,2}", fullmatch=True)
SIMPLE = st.one_of(
    NAMES.map(lambda name: f"import {name}"),
    st.tuples(NAMES, NAMES).map(lambda pair: f"from {pair[0]} import {pair[1].split('.')[0]} as x"),
    st.just("x = '''import no'''"),
    st.just("y = (1,\n     2)"),
    st.just("# import no\npass"),
    st.just("z = 1; import after_semicolon"),
)
CONDITIONS = st.sampled_from(
    [
        "x", "TYPE_CHECKING", "not typing.TYPE_CHECKING", "False", "1", "x and TYPE_CHECKING",
        "x or t.TYPE_CHECKING", "sys.version_info >= (3, 8)", "(3,) > version_info",
        "sys.version_info[0] == 2", "sys.version_info[:2] < (3, 9)", "(2, 7) <= sys.version_info < (3, 9)",
        "sys.version_info.major != 2", "{1: 2}[1]", "(y := 3)", "x['a:b']",
    ]
)  # fmt: skip
EXCEPTIONS = st.sampled_from(
    ["", " ImportError", " ValueError", " (KeyError, ModuleNotFoundError)", " builtins.ImportError as e"]
)
CONTEXTS = st.sampled_from(
    [
        "open(x)",
        "suppress(ImportError)",
        "contextlib.suppress(ValueError)",
        "a() as b, suppress(OSError, Exception)",
    ]
)


def indented(lines: list[str]) -> str:
    return "".join(f"  {line}\n" for line in "\n".join(lines).splitlines())


def compound(body: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    """Return statements with blocks in them."""
    block = body.map(indented)
    return st.one_of(
        st.tuples(CONDITIONS, block, CONDITIONS, block, block).map(
            lambda part: f"if {part[0]}:\n{part[1]}elif {part[2]}:\n{part[3]}\nelse:\n{part[4]}"
        ),
        st.tuples(CONDITIONS, block, block).map(lambda part: f"while {part[0]}:\n{part[1]}else:\n{part[2]}"),
        st.tuples(block, EXCEPTIONS, block, block, block).map(
            lambda part: f"try:\n\n{part[0]}except{part[1]}:\n{part[2]}else:\n{part[3]}finally:\n{part[4]}"
        ),
        st.tuples(block, block).map(
            lambda part: f"try:\n{part[0]}except* (ImportError, ValueError):\n{part[1]}"
        ),
        st.tuples(CONTEXTS, block).map(lambda part: f"with {part[0]}:\n{part[1]}"),
        block.map(lambda part: f"def f(a, b={{1: 2}}):\n{part}"),
        st.tuples(block, block).map(lambda part: f"for x in y:\n{part[0]}else:\n{part[1]}"),
        st.tuples(CONDITIONS, SIMPLE).map(lambda part: f"if {part[0]}: import in_line; import in_line2"),
        st.just("class C: import in_class"),
    )


LINES: st.SearchStrategy[list[str]] = st.recursive(
    st.lists(SIMPLE, min_size=1, max_size=3),
    lambda body: st.lists(st.one_of(SIMPLE, compound(body)), min_size=1, max_size=3),
    max_leaves=12,
)


@given(LINES)
def test_reading_by_line_agrees_with_the_parser(code: list[str]) -> None:
    by_tree, by_line = both_readers("\n".join(code) + "\n")
    assert by_line == by_tree


@pytest.mark.corpus
def test_reading_by_line_agrees_with_the_parser_on_real_imports(corpus_repository: Path) -> None:
    files = sorted(corpus_repository.rglob("*.py"))
    assert len(files) > 1_300
    for file in files:
        by_tree, by_line = both_readers(file.read_text())
        assert by_line == by_tree, file


@pytest.mark.parametrize(
    "condition",
    [
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
        "t.TYPE_CHECKING",
        "TYPE_CHECKING and x",
        "not (x or not TYPE_CHECKING)",
        "False",
        "0",
        "None",
        "sys.version_info < (2,) and sys.version_info >= (3, 0)",
        "sys.version_info == (3, 8)",
    ],
)
def test_what_no_python_runs_does_not_count(condition: str) -> None:
    source = (
        f"if {condition}:\n  import a\n  def f():\n    import b\nelif x:\n  import c\nelse:\n  import d\n"
    )
    expected = (Use("c", guarded=False), Use("d", guarded=False))
    assert both_readers(source) == [expected, expected]


def test_what_runs_otherwise_counts() -> None:
    source = (
        "if not TYPE_CHECKING:\n  import a\nelse:\n  import b\nif True:\n  import c\nelif x:\n  import d\n"
        "while True:\n  import e\nelse:\n  import f\nif TYPE_CHECKING or x:\n  import g\n"
        "if TYPED:\n  import h\n"
    )
    for found in both_readers(source):
        assert [one.module for one in found] == ["a", "c", "e", "g", "h"]


@pytest.mark.parametrize(
    ("condition", "runs", "runs_not"),
    [
        ("sys.version_info >= (3, 8)", "3.8.0 3.12 4.0", "2.7.18 3.7.9"),
        ("(3, 8) <= sys.version_info", "3.8.0 3.12", "3.7.9"),
        ("sys.version_info > (3, 8)", "3.8.0 3.12", "3.7.9"),
        ("sys.version_info < (3, 8, 2)", "3.8.1 3.8 2.7", "3.8.2 3.9"),
        ("version_info <= (3,)", "2.7.18", "3.0.0 3.9"),
        ("sys.version_info[0] == 2", "2.7", "3.0 3.12.13 1.5"),
        ("sys.version_info[0] >= 3", "3.0 3.12.13", "2.7"),
        ("sys.version_info.major != 2", "3.9", "2.7"),
        ("3 > sys.version_info.major", "2.7", "3.9"),
        ("sys.version_info[:2] == (3, 9)", "3.9.1 3.9", "3.8 3.10 3.90"),
        ("sys.version_info[:2] > (3, 9)", "3.10", "3.9.18 2.7"),
        ("sys.version_info[:1] > (2, 7)", "3.0", "2.8"),
        ("sys.version_info[:2] <= (3,)", "2.7", "3.0 3.9"),
        ("(3, 8) <= sys.version_info < (3, 10)", "3.8 3.9.18", "3.7.9 3.10"),
        ("x and sys.version_info >= (3, 8)", "3.8", "3.7.9"),
        ("x or sys.version_info >= (3, 8)", "3.8 2.7", ""),
        ("not sys.version_info >= (3, 8)", "3.7.9", "3.8"),
        ("sys.version_info[0] == 2 or sys.version_info >= (3, 9)", "2.7 3.9", "3.0 3.8"),
        ("sys.version_info != (3, 8)", "3.8 2.7", ""),
        ("sys.version_info[1] >= 8", "2.7 3.1", ""),
        ("sys.version_info >= 3", "2.7 3.1", ""),
        ("sys.version_info[0] >= (3,)", "2.7 3.1", ""),
        ("sys.version_info >= (3, minor)", "2.7 3.1", ""),
        ("sys.version_info >= (3, -1)", "2.7 3.1", ""),
        ("info >= (3, 8)", "2.7 3.9", ""),
    ],
)
def test_test_of_the_version_says_which_pythons_run_its_branches(
    condition: str, runs: str, runs_not: str
) -> None:
    source = f"if {condition}:\n  import then\nelse:\n  import otherwise\n"
    for found in both_readers(source):
        by_name = {one.module: one.runs for one in found}
        for python in runs.split():
            assert may_be_in(by_name["then"], python), python
        for python in runs_not.split():
            assert not may_be_in(by_name["then"], python), python
            assert may_be_in(by_name["otherwise"], python), python


def test_python_that_is_not_known_may_run_all_that_any_runs() -> None:
    (one,) = find_imports("if sys.version_info < (3,):\n  import a\n")
    assert may_be_in(one.runs, None)
    assert may_be_in(one.runs, "unknown")


def test_module_may_be_needed_by_some_pythons_and_guarded_for_others() -> None:
    source = "if sys.version_info < (3,):\n  import a\ntry:\n  import a\nexcept ImportError:\n  pass\n"
    needed, guarded = find_imports(source)
    assert (needed.guarded, guarded.guarded) == (False, True)
    assert not may_be_in(needed.runs, "3.9")
    assert may_be_in(guarded.runs, "3.9")


@pytest.mark.parametrize(
    "source",
    [
        "with suppress(ImportError):\n  import a\n",
        "with contextlib.suppress(KeyError, ModuleNotFoundError):\n  import a\n",
        "with open(x), suppress(Exception):\n  import a\n",
        "try:\n  import a\nexcept* ImportError:\n  pass\n",
        "try:\n  import a\nexcept* (ValueError, ImportError):\n  pass\n",
        "try:\n\n  # why\n  import a\nexcept ValueError:\n  x\nexcept (KeyError, ImportError) as e:\n  x\n",
        "try:\n  try:\n    import a\n  finally:\n    pass\nexcept ImportError: pass\n",
        "try: import a\nexcept ImportError: pass\n",
    ],
)
def test_import_whose_failure_is_caught_is_guarded(source: str) -> None:
    assert both_readers(source) == [(Use("a", guarded=True),)] * 2


@pytest.mark.parametrize(
    "source",
    [
        "with suppress(ValueError):\n  import a\n",
        "with catch(ImportError):\n  import a\n",
        "with suppress(ImportError):\n  pass\nimport a\n",
        "try:\n  import a\nexcept* ValueError:\n  pass\n",
        "try:\n  pass\nexcept ImportError:\n  pass\nelse:\n  import a\n",
        "try:\n  pass\nexcept ImportError:\n  pass\nfinally:\n  import a\n",
        "try:\n  pass\nexcept ImportError:\n  pass\nimport a\n",
    ],
)
def test_import_whose_failure_is_not_caught_is_needed(source: str) -> None:
    assert both_readers(source) == [(Use("a", guarded=False),)] * 2


def test_text_and_tests_in_text_do_not_count() -> None:
    source = (
        '"""\n>>> import a\n"""\ndef f():\n  """Example::\n\n    import b\n  """\nx = "import c"\nimport d\n'
    )
    assert both_readers(source) == [(Use("d", guarded=False),)] * 2


def test_python_2_with_conditions_is_read_line_by_line() -> None:
    source = (
        "print 'x'\nif TYPE_CHECKING:\n    import a\n\nif sys.version_info[0] < 3:\n    import urllib2\n"
        "else:\n    import urllib3\nwith suppress(ImportError): import b\n"
    )
    found = {one.module: one for one in find_imports(source)}
    assert sorted(found) == ["b", "urllib2", "urllib3"]
    assert found["b"].guarded
    assert not may_be_in(found["urllib2"].runs, "3.12")
    assert may_be_in(found["urllib3"].runs, "3.12")


@pytest.mark.parametrize(
    "source",
    [
        "if x:;" * 200_000 + "import a",
        "try:;import a;" * 100_000,
        "if " + "not " * 10_000 + "x:\n  import a\nprint 1\n",
        "if " + " or ".join(f"sys.version_info[:2] == (3, {n})" for n in range(40)) + ":\n  import a\n",
        "if:" * 100_000,
        "".join(" " * n + "if x:\n" for n in range(1_500)) + " " * 1_501 + "import a\nprint 1\n",
    ],
    ids=["blocks", "tries", "not", "ranges", "headers", "deep"],
)
def test_code_that_no_person_writes_is_read_in_bounds(source: str) -> None:
    grown = bytes_to_read(
        source, "from autobump.content.imports import find_imports", "assert len(find_imports(text)) < 2"
    )
    assert grown < 40 * 1024 * 1024


def test_long_run_of_spaces_costs_no_more_than_its_length() -> None:
    spaces = " " * 2_000_000  # at a quadratic cost this would take hours
    assert find_imports(f"print 1\nfrom a import b{spaces}as{spaces}c, d{spaces}e\n") == (
        Use("a.b", guarded=False),
    )


def test_code_that_would_fill_the_memory_as_a_tree_is_read_by_its_lines() -> None:
    source = "import os\n" + "a;" * 400_000 + "\nimport sys\n"
    assert find_imports(source) == (Use("os", guarded=False), Use("sys", guarded=False))
    statement = "find_imports(text)"
    grown = bytes_to_read(source, "from autobump.content.imports import find_imports", statement)
    assert grown < 20 * 1024 * 1024


@pytest.mark.parametrize(
    "source",
    [
        " " * 20_000 + "a" + ";" * 20_000,
        ("" + " " * 500 + "a;" * 500 + "\n") * 40,
        "x = (" + "ab(" * 20_000,
        "import a" + "\t" * 20_000 + ";" * 20_000,
    ],
)
def test_statements_are_no_longer_than_the_file_all_together(source: str) -> None:
    read = list(lines.read_statements(f"print 1\n{source}"))
    assert sum(len(statement) for _, statement in read) <= len(source) + len("print 1")


def test_statement_too_long_to_be_a_persons_is_not_read_and_hides_no_other() -> None:
    names = ", ".join(f"name{number}" for number in range(10_000))
    source = (
        f"print 1\nimport a\nfrom b import {names}\ntry:\n  import c; import d\nexcept ImportError: pass\n"
    )
    assert find_imports(source) == (Use("a", False), Use("c", True), Use("d", True))


@pytest.mark.parametrize(
    "source",
    [
        "x = '''" + "a" * 4_000_000 + "'''\nprint 1\n",
        'x = "' + "a" * 4_000_000 + '"\nprint 1\n',
        "print 1\nx = '''" + "\\a" * 2_000_000,
        "print 1\nfrom " + "a." * 2_000_000 + "b import c\n",
        "print 1\nimport " + "ab, " * 1_000_000 + "c\n",
        "print 1\n" + "ab(" * 1_000_000,
        "a = ''\n" * 500_000 + "print 1\n",
    ],
    ids=["block", "string", "escapes", "path", "names", "brackets", "lines"],
)
def test_memory_of_a_file_is_a_small_part_of_it_whatever_it_holds(source: str) -> None:
    statement = "find_imports(text)"
    grown = bytes_to_read(source, "from autobump.content.imports import find_imports", statement)
    assert grown < 3 * len(source)
