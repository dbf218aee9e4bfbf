"""Compares what one item did in two images."""

from collections.abc import Mapping
from typing import Any

from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.support.printable import printable

Observation = Mapping[str, Any]
"""What the runner saw: `{"outcome", …}`; see the runner for the keys of each outcome."""

NOT_RUN = "not-run"
ODD = "odd"
LASTING = frozenset({"ran", "raised", "prelude-failed", "output"})
"""Outcomes that come again when the same code runs again; others depend on the machine."""

_TOLD = LASTING | {"timeout", "died"}
_MOST_TEXT = 1_000
_MOST_ENTRIES = 10_000

_FAILURES = frozenset({"raised", "prelude-failed"})
_MOST_DETAIL = 300
_MOST_NAMED = 3
_ENDS = {
    "timeout": "it does not end in time",
    "output": "it prints too much",
    "died": "it ended its own runner",
    "lost": "its container ended",
}


def not_run(why: str) -> Observation:
    """Return what stands for an item that was not run."""
    return {"outcome": NOT_RUN, "why": why}


def read_observation(said: object) -> dict[str, Any]:
    """Return what the runner said in the shape that `compare` reads.

    An item can write in the runner's place, so anything can stand here. What the runner never says is `ODD`.
    """
    try:
        return _shape(said)
    except (ValueError, TypeError, KeyError, AttributeError):
        return {"outcome": ODD}


def _shape(said: Any) -> dict[str, Any]:
    if said["outcome"] not in _TOLD:
        raise ValueError("no outcome of the runner")
    shaped: dict[str, Any] = {"outcome": said["outcome"]}
    if "message" in said:
        shaped["message"] = _text(said["message"])
    if isinstance(said.get("line"), int):
        shaped["line"] = said["line"]
    if said.get("why") is not None:
        shaped["why"] = {"message": _text(said["why"].get("message", ""))}
    for key in ("missing", "optional"):
        if key in said:
            shaped[key] = [
                [_text(module), _text(name), _number(line), _text(kind), _text(message)]
                for module, name, line, kind, message in said[key][:_MOST_ENTRIES]
            ]
    if "tests" in said:
        tests = list(said["tests"].items())[:_MOST_ENTRIES]
        shaped["tests"] = {_text(name): [_text(outcome), _text(line)] for name, (outcome, line) in tests}
    return shaped


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise TypeError("no text")
    return said[:_MOST_TEXT]


def _number(said: object) -> int:
    if not isinstance(said, int):
        raise TypeError("no number")
    return said


def compare(old: Observation, new: Observation, level: Level, note: str = "") -> Evidence:
    """Say what two observations of one item mean.

    Args:
        old: In the image it is on.
        new: In the one it moves to.
        level: How much was run.
        note: Added to what is told, such as that stand-ins were used.
    """
    verdict, detail = _compare_loads(old, new)
    if level is Level.TESTS and verdict is not Verdict.BREAKS:
        verdict, detail, level = _compare_tests(verdict, detail, old.get("tests"), new.get("tests"))
    detail = printable("; ".join(part for part in (detail, note) if part))
    return Evidence(
        level, verdict, detail if len(detail) <= _MOST_DETAIL else f"{detail[: _MOST_DETAIL - 1]}…"
    )


def _compare_loads(old: Observation, new: Observation) -> tuple[Verdict, str]:
    for side in (old, new):
        if side["outcome"] == NOT_RUN:
            return Verdict.NOT_RUN, str(side["why"])
    if why := _unfinished(old, "old") or _unfinished(new, "new"):
        return Verdict.INCONCLUSIVE, why
    had, has = _missing(old), _missing(new)
    if lost := [line for key, line in has.items() if key not in had]:
        return Verdict.BREAKS, _join(lost)
    was, now = (side["outcome"] in _FAILURES for side in (old, new))
    if now and not was:
        return Verdict.BREAKS, _error(new)
    if was and now:
        if _error(old) == _error(new):
            return Verdict.INCONCLUSIVE, f"it fails alike in both images: {_error(new)}"
        return Verdict.INCONCLUSIVE, f"it fails in both images, before: {_error(old)}; then: {_error(new)}"
    if was:
        return Verdict.MENDS, _error(old)
    if found := [line for key, line in had.items() if key not in has]:
        return Verdict.MENDS, _join(found)
    if has:
        return Verdict.INCONCLUSIVE, f"it fails alike in both images: {_join(list(has.values()))}"
    could, can = _missing(old, "optional"), _missing(new, "optional")
    if lost := [line for key, line in can.items() if key not in could]:
        return Verdict.INCONCLUSIVE, f"it can do without, but does otherwise: {_join(lost)}"
    return Verdict.SAME, ""


def _unfinished(side: Observation, name: str) -> str:
    """Say why a run tells nothing, or nothing."""
    outcome = side["outcome"]
    if outcome == "ran" or outcome in _FAILURES:
        return ""
    return f"{_ENDS.get(str(outcome), 'it ended in an odd way')} in the {name} image"


def _missing(side: Observation, key: str = "missing") -> dict[tuple[str, str], str]:
    """Return a line for each import that failed, by module and name."""
    found: dict[tuple[str, str], str] = {}
    for entry in side.get(key) or ():
        module, name, line, _, message = entry
        found.setdefault((str(module), str(name)), f"{message} (line {line})")
    return found


def _error(side: Observation) -> str:
    if side["outcome"] == "prelude-failed":
        why = side.get("why")
        message = why.get("message") if isinstance(why, dict) else None
        return f"what all items share fails: {message or 'it does not end'}"
    line = side.get("line")
    return f"{side.get('message', '')}{f' (line {line})' if line else ''}"


def _join(lines: list[str]) -> str:
    more = len(lines) - _MOST_NAMED
    return "; ".join(lines[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _say(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _compare_tests(
    verdict: Verdict, detail: str, old: Observation | None, new: Observation | None
) -> tuple[Verdict, str, Level]:
    """Lay what the unit tests showed over what loading showed."""
    if not old or not new or verdict is Verdict.NOT_RUN:
        return verdict, detail, Level.LOAD
    for name, side in (("old", old), ("new", new)):
        if side["outcome"] != "ran":
            why = side["why"] if side["outcome"] == NOT_RUN else _unfinished(side, name) or _error(side)
            return verdict, _say(detail, f"its tests say nothing: {why}"), Level.LOAD
    was, now = _Tests(old.get("tests") or {}), _Tests(new.get("tests") or {})
    fails = [now.tell(name) for name in was.passed if name in now.failed]
    if was.passed - now.results.keys():  # a file whose collection fails takes its tests with it
        fails += [now.tell(name) for name in now.failed - was.results.keys()]
    if fails:
        return Verdict.BREAKS, _join(sorted(fails)), Level.TESTS
    if mended := now.passed & was.failed:
        return Verdict.MENDS, _join(sorted(mended)), Level.TESTS
    if not was.passed:
        return verdict, _say(detail, "none of its tests passes in the old image"), Level.LOAD
    if gone := sorted(was.passed - now.passed):
        return verdict, _say(detail, f"in the new image some tests do not run: {_join(gone)}"), Level.LOAD
    if verdict is Verdict.MENDS:
        return verdict, detail, Level.TESTS
    # Tests exercise what loading alone could not bring to an end.
    return Verdict.SAME, "", Level.TESTS


class _Tests:
    """What became of the tests of one run, each told as outcome and last line."""

    def __init__(self, results: Mapping[str, tuple[str, str]]) -> None:
        self.results = results
        self.passed = {name for name, (outcome, _) in results.items() if outcome == "passed"}
        self.failed = {name for name, (outcome, _) in results.items() if outcome in ("failed", "error")}

    def tell(self, name: str) -> str:
        outcome, line = self.results[name]
        return f"{name}: {line or outcome}"
