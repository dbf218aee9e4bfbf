from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.content import imports
from autobump.content.imports import Import, find_imports
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


NAMES: st.SearchStrategy[str] = st.from_regex(r"[a-z]{1,4}(\.[a-z]{1,4}){0,2}", fullmatch=True)
LINES = st.lists(
    st.one_of(
        NAMES.map(lambda name: f"import {name}"),
        st.tuples(NAMES, NAMES).map(lambda pair: f"from {pair[0]} import {pair[1].split('.')[0]} as x"),
        st.just("x = '''import no'''"),
        st.just("y = (1,\n     2)"),
        st.just("# import no"),
    )
)


@given(LINES)
def test_reading_by_line_agrees_with_the_parser(lines: list[str]) -> None:
    source = "\n".join(lines) + "\n"
    try:
        compile(source, "script", "exec")
    except SyntaxError:
        return
    assert sorted(set(imports._from_lines(source))) == list(find_imports(source))


@pytest.mark.corpus
def test_reading_by_line_agrees_with_the_parser_on_real_imports(corpus_repository: Path) -> None:
    files = sorted(corpus_repository.rglob("*.py"))
    assert len(files) > 1_300
    for file in files:
        source = file.read_text()
        assert {one.module for one in imports._from_lines(source)} == set(modules(source)), file


def test_long_run_of_spaces_costs_no_more_than_its_length() -> None:
    spaces = " " * 2_000_000  # at a quadratic cost this would take hours
    assert find_imports(f"print 1\nfrom a import b{spaces}as{spaces}c, d{spaces}e\n") == (
        Import("a.b", guarded=False),
    )


def test_code_that_would_fill_the_memory_as_a_tree_is_read_by_its_lines() -> None:
    source = "import os\n" + "a;" * 400_000 + "\nimport sys\n"
    assert find_imports(source) == (Import("os", guarded=False), Import("sys", guarded=False))
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
    read = list(imports._statements(f"print 1\n{source}"))
    assert sum(len(statement) for _, statement in read) <= len(source) + len("print 1")


def test_statement_too_long_to_be_a_persons_is_not_read_and_hides_no_other() -> None:
    names = ", ".join(f"name{number}" for number in range(10_000))
    source = (
        f"print 1\nimport a\nfrom b import {names}\ntry:\n  import c; import d\nexcept ImportError: pass\n"
    )
    assert find_imports(source) == (Import("a", False), Import("c", True), Import("d", True))


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
