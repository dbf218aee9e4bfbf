from typing import Any

import pytest

from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.evidence.compare import ODD, Observation, compare, not_run, read_observation

RAN: Observation = {"outcome": "ran", "missing": [], "optional": []}
GONE = ["gone", "", 3, "ModuleNotFoundError", "No module named 'gone'"]
OTHER = ["other", "name", 7, "ImportError", "cannot import name 'name' from 'other'"]


def ran(*missing: list[object], optional: tuple[list[object], ...] = ()) -> Observation:
    return {"outcome": "ran", "missing": list(missing), "optional": list(optional)}


def raised(message: str, line: int | None = 5, *missing: list[object]) -> Observation:
    return {"outcome": "raised", "message": message, "line": line, "missing": list(missing), "optional": []}


def shared_fails(message: str = "") -> Observation:
    return {"outcome": "prelude-failed", "why": {"message": message}}


def ended(outcome: str) -> Observation:
    return {"outcome": outcome}


@pytest.mark.parametrize(
    ("old", "new", "verdict", "detail"),
    [
        pytest.param(RAN, RAN, "same", "", id="it runs in both"),
        pytest.param(
            RAN, ran(GONE), "breaks", "No module named 'gone' (line 3)", id="an import fails in the new image"
        ),
        pytest.param(
            ran(GONE),
            ran(GONE, OTHER),
            "breaks",
            "cannot import name 'name' from 'other' (line 7)",
            id="another import fails in the new image",
        ),
        pytest.param(
            RAN,
            ran(*[[f"m{number}", "", number, "ImportError", f"no m{number}"] for number in range(5)]),
            "breaks",
            "no m0 (line 0); no m1 (line 1); no m2 (line 2); and 2 more",
            id="many imports fail in the new image",
        ),
        pytest.param(
            RAN,
            ran(GONE, [*GONE[:2], 9, *GONE[3:]]),
            "breaks",
            "No module named 'gone' (line 3)",
            id="an import that stands twice is told once",
        ),
        pytest.param(
            RAN, raised("NameError: x"), "breaks", "NameError: x (line 5)", id="it raises in the new image"
        ),
        pytest.param(
            RAN,
            raised("SyntaxError: bad", None),
            "breaks",
            "SyntaxError: bad",
            id="it raises outside of its own lines",
        ),
        pytest.param(
            RAN,
            raised("ModuleNotFoundError: No module named 'gone'", 3, GONE),
            "breaks",
            "No module named 'gone' (line 3)",
            id="what it raises is the import that fails",
        ),
        pytest.param(
            raised("NameError: x", 5, GONE),
            raised("NameError: x", 5, GONE, OTHER),
            "breaks",
            "cannot import name 'name' from 'other' (line 7)",
            id="it raises in both and one more import fails",
        ),
        pytest.param(
            raised("NameError: x"), RAN, "mends", "NameError: x (line 5)", id="it raises in the old image"
        ),
        pytest.param(
            ran(GONE), RAN, "mends", "No module named 'gone' (line 3)", id="an import fails in the old image"
        ),
        pytest.param(
            raised("NameError: x"),
            raised("NameError: x"),
            "inconclusive",
            "it fails alike in both images: NameError: x (line 5)",
            id="it raises the same in both",
        ),
        pytest.param(
            raised("NameError: x"),
            raised("TypeError: y", 6),
            "inconclusive",
            "it fails in both images, before: NameError: x (line 5); then: TypeError: y (line 6)",
            id="it raises something else",
        ),
        pytest.param(
            ran(GONE),
            ran(GONE),
            "inconclusive",
            "it fails alike in both images: No module named 'gone' (line 3)",
            id="an import fails in both",
        ),
        pytest.param(
            RAN,
            ran(optional=(GONE,)),
            "inconclusive",
            "it can do without, but does otherwise: No module named 'gone' (line 3)",
            id="it loses an import that it can do without",
        ),
        pytest.param(ran(optional=(GONE,)), RAN, "same", "", id="it gains an import that it can do without"),
        pytest.param(
            RAN,
            shared_fails("NameError: x"),
            "breaks",
            "what all items share fails: NameError: x",
            id="what all share fails in the new image",
        ),
        pytest.param(
            shared_fails(),
            RAN,
            "mends",
            "what all items share fails: it does not end",
            id="what all share does not end in the old image",
        ),
        pytest.param(
            ended("timeout"),
            RAN,
            "inconclusive",
            "it does not end in time in the old image",
            id="old timeout",
        ),
        pytest.param(
            RAN,
            ended("timeout"),
            "inconclusive",
            "it does not end in time in the new image",
            id="new timeout",
        ),
        pytest.param(
            RAN, ended("output"), "inconclusive", "it prints too much in the new image", id="much output"
        ),
        pytest.param(
            RAN, ended("died"), "inconclusive", "it ended its own runner in the new image", id="died"
        ),
        pytest.param(RAN, ended("lost"), "inconclusive", "its container ended in the new image", id="lost"),
        pytest.param(
            raised("x"), ended(ODD), "inconclusive", "it ended in an odd way in the new image", id="odd"
        ),
        pytest.param(not_run("no engine"), RAN, "not-run", "no engine", id="not run in the old image"),
        pytest.param(RAN, not_run("no engine"), "not-run", "no engine", id="not run in the new image"),
        pytest.param(
            ended("timeout"), not_run("no engine"), "not-run", "no engine", id="not run outranks no end"
        ),
    ],
)
def test_two_observations_make_a_verdict(
    old: Observation, new: Observation, verdict: str, detail: str
) -> None:
    assert compare(old, new, Level.LOAD) == Evidence(Level.LOAD, Verdict(verdict), detail)


def with_tests(loaded: Observation = RAN, **tests: str) -> Observation:
    """Return what was seen with the outcome of each test; `failed` tells `it failed`."""
    told = {name: [outcome, "it failed" if outcome == "failed" else ""] for name, outcome in tests.items()}
    return {**loaded, "tests": {"outcome": "ran", "tests": told}}


def of_tests(tests: Observation) -> Observation:
    return {**RAN, "tests": tests}


@pytest.mark.parametrize(
    ("old", "new", "level", "verdict", "detail"),
    [
        pytest.param(
            with_tests(a="passed"), with_tests(a="passed"), "tests", "same", "", id="they pass in both"
        ),
        pytest.param(
            with_tests(a="passed", b="passed"),
            with_tests(a="passed", b="failed"),
            "tests",
            "breaks",
            "b: it failed",
            id="one fails in the new image",
        ),
        pytest.param(
            with_tests(a="passed"),
            with_tests(a="error"),
            "tests",
            "breaks",
            "a: error",
            id="one cannot be set up in the new image",
        ),
        pytest.param(
            with_tests(a="passed"),
            with_tests(file="failed"),
            "tests",
            "breaks",
            "file: it failed",
            id="their file cannot be imported in the new image",
        ),
        pytest.param(
            with_tests(a="failed", b="passed"),
            with_tests(a="passed", b="passed"),
            "tests",
            "mends",
            "a",
            id="one fails in the old image",
        ),
        pytest.param(
            with_tests(a="failed", b="passed"),
            with_tests(a="failed", b="passed"),
            "tests",
            "same",
            "",
            id="one fails in both",
        ),
        pytest.param(
            with_tests(a="failed"),
            with_tests(a="failed"),
            "load",
            "same",
            "none of its tests passes in the old image",
            id="none passes",
        ),
        pytest.param(
            with_tests(a="passed", b="passed"),
            with_tests(a="passed", b="skipped"),
            "load",
            "same",
            "in the new image some tests do not run: b",
            id="one is skipped in the new image",
        ),
        pytest.param(
            with_tests(a="passed"),
            with_tests(),
            "load",
            "same",
            "in the new image some tests do not run: a",
            id="none is found in the new image",
        ),
        pytest.param(
            with_tests(ran(GONE), a="passed"),
            with_tests(ran(GONE), a="passed"),
            "tests",
            "same",
            "",
            id="they tell what loading could not",
        ),
        pytest.param(
            with_tests(ran(GONE), a="passed"),
            with_tests(a="passed"),
            "tests",
            "mends",
            "No module named 'gone' (line 3)",
            id="an import that they do not need is mended",
        ),
        pytest.param(
            with_tests(a="passed"),
            with_tests(ran(GONE), a="passed"),
            "tests",
            "breaks",
            "No module named 'gone' (line 3)",
            id="an import that they do not need breaks",
        ),
        pytest.param(with_tests(a="passed"), RAN, "load", "same", "", id="they ran in one image only"),
        pytest.param(RAN, RAN, "load", "same", "", id="it has none"),
        pytest.param(
            with_tests(not_run("no engine"), a="passed"),
            with_tests(a="passed"),
            "load",
            "not-run",
            "no engine",
            id="it was not loaded",
        ),
        pytest.param(
            of_tests(not_run("no pip")),
            of_tests(not_run("no pip")),
            "load",
            "same",
            "its tests say nothing: no pip",
            id="their packages are not to be had",
        ),
        pytest.param(
            with_tests(a="passed"),
            of_tests(ended("timeout")),
            "load",
            "same",
            "its tests say nothing: it does not end in time in the new image",
            id="they do not end in the new image",
        ),
        pytest.param(
            of_tests(raised("ImportError: no pytest")),
            with_tests(a="passed"),
            "load",
            "same",
            "its tests say nothing: ImportError: no pytest (line 5)",
            id="pytest does not start in the old image",
        ),
        pytest.param(
            of_tests(shared_fails("NameError: x")),
            with_tests(a="passed"),
            "load",
            "same",
            "its tests say nothing: what all items share fails: NameError: x",
            id="what all share fails before them",
        ),
        pytest.param(
            {**ran(GONE), "tests": ended("died")},
            {**ran(GONE), "tests": ended("died")},
            "load",
            "inconclusive",
            "it fails alike in both images: No module named 'gone' (line 3); "
            "its tests say nothing: it ended its own runner in the old image",
            id="neither loading nor tests tell",
        ),
    ],
)
def test_unit_tests_are_laid_over_loading(
    old: Observation, new: Observation, level: str, verdict: str, detail: str
) -> None:
    assert compare(old, new, Level.TESTS) == Evidence(Level(level), Verdict(verdict), detail)


def test_unit_tests_do_not_count_when_only_loading_was_asked_for() -> None:
    assert compare(with_tests(a="passed"), with_tests(a="failed"), Level.LOAD).verdict is Verdict.SAME


def test_note_is_told_with_every_verdict() -> None:
    assert compare(RAN, RAN, Level.LOAD, "with stand-ins").detail == "with stand-ins"
    assert compare(RAN, ran(GONE), Level.LOAD, "with stand-ins").detail.endswith("(line 3); with stand-ins")


def test_long_detail_is_cut() -> None:
    detail = compare(RAN, raised("x" * 1_000), Level.LOAD).detail
    assert (len(detail), detail[-1]) == (300, "…")


def test_control_characters_of_a_detail_are_escaped() -> None:
    detail = compare(RAN, raised("a\nb\x1b[31m\u202ec\ud800", None), Level.LOAD).detail
    assert detail == "a\\nb\\x1b[31m\\u202ec\\ud800"


@pytest.mark.parametrize(
    "said",
    [
        RAN,
        ran(GONE, optional=(OTHER,)),
        raised("NameError: x", 5, GONE),
        raised("NameError: x"),
        shared_fails("NameError: x"),
        ended("timeout"),
        ended("died"),
        {"outcome": "ran", "tests": {"a_test.py::test_a": ["failed", "assert 1 == 2"]}},
    ],
)
def test_what_the_runner_says_is_taken_as_it_is(said: Observation) -> None:
    assert read_observation(said) == said


@pytest.mark.parametrize(
    "said",
    [
        None,
        7,
        "ran",
        [],
        {},
        {"outcome": None},
        {"outcome": ["ran"]},
        {"outcome": "same"},
        {"outcome": "not-run", "why": "all is well"},
        {"outcome": "lost"},
        {"outcome": "ran", "missing": 5},
        {"outcome": "ran", "missing": None},
        {"outcome": "ran", "missing": {"a": 1}},
        {"outcome": "ran", "missing": [["a", "b"]]},
        {"outcome": "ran", "missing": [["a", None, 1, "b", "c"]]},
        {"outcome": "ran", "missing": [["a", "", float("inf"), "b", "c"]]},
        {"outcome": "ran", "optional": "abcde"},
        {"outcome": "raised", "message": ["a"]},
        {"outcome": "prelude-failed", "why": "x"},
        {"outcome": "prelude-failed", "why": {"message": 1}},
        {"outcome": "ran", "tests": [1]},
        {"outcome": "ran", "tests": {"a": "passed"}},
        {"outcome": "ran", "tests": {"a": ["passed", None]}},
    ],
)
def test_what_the_runner_never_says_is_odd(said: Any) -> None:
    assert read_observation(said) == {"outcome": ODD}


def test_what_an_item_says_in_the_runners_place_is_bounded() -> None:
    line = ["m" * 2_000, "", 1, "t", "x" * 2_000]
    kept = read_observation({"outcome": "ran", "missing": [line] * 10_001})["missing"]
    assert len(kept) == 10_000
    assert [len(part) for part in kept[0] if isinstance(part, str)] == [1_000, 0, 1, 1_000]
