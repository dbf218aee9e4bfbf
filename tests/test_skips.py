"""What a test misses is told where somebody works, and a failure where CI must not pass because of it."""

from pathlib import Path

import pytest

from tests.fixtures.tools import miss

TESTS = Path(__file__).parent


@pytest.mark.parametrize(("ci", "kind"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_what_is_missing_skips_a_test_and_fails_it_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, kind: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    # Both are caught: a skip that goes through would skip this test as well.
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception), match="no engine") as caught:
        miss("no engine")
    assert caught.type is kind


def test_nothing_else_skips() -> None:
    words = [f"pytest.{word}" for word in ("skip(", "importorskip", "mark.skip", "mark.xfail", "xfail(")]
    sources = [path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts]
    sources.remove(Path(__file__))
    found = {
        path.relative_to(TESTS).as_posix(): word
        for path in sources
        for word in words
        if word in path.read_text("utf-8")
    }
    assert found == {"fixtures/tools.py": "pytest.skip("}
