import logging
from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.forges.name import ForgeName
from autobump.forges.open import identify_forge
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass, run_on_forge
from autobump.settings.model import ContentSettings, Settings
from autobump.support.errors import AutobumpError
from autobump.support.git import Git
from autobump.support.lock import lock
from autobump.support.progress import Silent
from tests.conftest import NOW
from tests.fixtures.repositories import branches, make_repository, script_pack
from tests.fixtures.results import render_json


def make_pass(folder: Path, tags: dict[str, list[str]] | None = None) -> Pass:
    files = script_pack("A", {"One": "demisto/x:1.0.0.1"}) | script_pack("B", {"Two": "demisto/y:1.0.0.1"})
    git = make_repository(folder / "r", files)
    source = SnapshotSource(tags or {"demisto/x": ["1.0.0.2"], "demisto/y": ["1.0.0.1"]})
    return Pass(ContentTree.open(git.directory), Settings(), source, NOW, Silent())


def test_pass_holds_the_lock_of_its_forge_and_a_dry_run_does_not(tmp_path: Path) -> None:
    one = make_pass(tmp_path)
    cache = tmp_path / "cache"
    with lock(cache / "locks", identify_forge(ForgeName.LOCAL, one.tree.git, one.settings)):
        dry = run_on_forge(one, ForgeName.LOCAL, dry_run=True, cache=cache)
        with pytest.raises(AutobumpError, match="is at work on"):
            run_on_forge(one, ForgeName.LOCAL, dry_run=False, cache=cache)
    assert dry.outcomes is not None
    assert branches(one.tree.git) == {}
    run_on_forge(one, ForgeName.LOCAL, dry_run=False, cache=cache)
    assert len(branches(one.tree.git)) == 1


def test_plan_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    texts = [render_json(make_pass(tmp_path / folder).plan()) for folder in ("one", "two")]
    assert texts[0] == texts[1]
    assert '"1.0.0.2"' in texts[0]


def test_forge_is_the_same_wherever_one_stands_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": "demisto/x:1.0.0.1"}), bare=False)
    settings = Settings()
    (tmp_path / "link").symlink_to(git.directory)
    names = {
        identify_forge(ForgeName.LOCAL, Git(folder), settings)
        for folder in (git.directory, git.directory / "Packs", tmp_path / "link")
    }
    assert len(names) == 1
    assert identify_forge(ForgeName.GITHUB, git, settings) == "demisto/content on GitHub"
    other = Settings(content=ContentSettings(repository="Demisto/Content"))
    monkeypatch.setenv("GITHUB_API_URL", "https://github.example/api/v3/")
    assert identify_forge(ForgeName.GITHUB, git, other) == "demisto/content at https://github.example/api/v3"


def test_events_of_a_pass_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run_on_forge(make_pass(tmp_path), ForgeName.LOCAL, dry_run=False, cache=tmp_path / "cache")
    assert [record.message for record in caplog.records] == [
        "pass started",
        "reading items",
        "tags looked up",
        "pull request",
        "pass finished",
    ]
    made, finished = (vars(record) for record in caplog.records[3:])
    assert {name: made[name] for name in ("action", "image", "target", "packs", "pull_request")} == {
        "action": "create",
        "image": "demisto/x",
        "target": "1.0.0.2",
        "packs": ["A"],
        "pull_request": None,
    }
    assert (finished["bumps"], finished["skipped"], finished["create"], finished["failed"]) == (
        1,
        1,
        1,
        False,
    )


def test_each_failure_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = script_pack("A", {"One": "demisto/x:1.0.0.1"})
    files |= {f"Packs/A/Scripts/Bad{number}/Bad{number}.yml": "a: [\n" for number in range(3)}
    git = make_repository(tmp_path / "r", files, bare=False)
    tree = ContentTree.open(git.directory)

    def perform(*tags: str) -> None:
        one = Pass(tree, Settings(), SnapshotSource({"demisto/x": list(tags)}), NOW, Silent())
        run_on_forge(one, ForgeName.LOCAL, dry_run=False, cache=tmp_path / "cache")

    perform("1.0.0.2")
    (branch,) = branches(git)
    git.run("checkout", "--quiet", branch)
    with caplog.at_level(logging.INFO):
        perform("1.0.0.3")
    (failed,) = (vars(record) for record in caplog.records if record.message == "pull request failed")
    assert (failed["action"], failed["branch"]) == ("refresh", branch)
    assert failed["levelno"] == logging.ERROR
    assert failed["failure"] == "the branch is checked out in a work tree"
    (problem,) = (vars(record) for record in caplog.records if record.message == "problem")
    assert (problem["reason"], problem["files"], problem["pack"]) == ("invalid-yaml", 3, "A")
