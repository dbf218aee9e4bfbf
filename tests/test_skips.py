"""What a test misses is told where somebody works, and a failure where CI must not pass because of it."""

from pathlib import Path

import pytest

from tests.fixtures.tools import miss

TESTS = Path(__file__).parent


def test_what_is_missing_skips_a_test_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no engine"):
        miss("no engine")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="no engine"):
        miss("no engine")


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
