import json
from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.passes.wave_data import load_wave_data
from autobump.settings.model import RolloutSettings
from autobump.support.errors import RegistryError, UsageError
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.servers import Reply, serve

COVERAGE = json.dumps({"files": {"Packs/A/Scripts/S/S.py": 80, "Packs/B.py": None, "Packs/C.py": True}})
WAVES = [{"name": "a", "nightly": True}]


@pytest.fixture
def tree(tmp_path: Path) -> ContentTree:
    files = script_pack("A", {"S": "demisto/x:1.0.0.1"}) | {
        "Tests/conf.json": json.dumps({"nightly_packs": ["A", 5]}),
        "coverage.json": COVERAGE,
    }
    return ContentTree.open(make_repository(tmp_path / "content", files).directory)


def load(tree: ContentTree, **settings: object) -> tuple[dict[str, float], set[str]]:
    facts = load_wave_data(RolloutSettings.model_validate({"waves": WAVES, **settings}), tree)
    return dict(facts.coverage), set(facts.nightly_packs)


def test_files_of_the_commit_are_read(tree: ContentTree) -> None:
    coverage, nightly = load(tree, coverage_report="coverage.json", nightly_packs="Tests/conf.json")
    assert coverage == {"packs/a/scripts/s/s.py": 80.0}
    assert nightly == {"A"}


def test_files_outside_of_the_repository_are_read(
    tree: ContentTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.json").write_text(COVERAGE)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    for name in (str(tmp_path / "here.json"), "../here.json"):
        assert load(tree, coverage_report=name)[0] == {"packs/a/scripts/s/s.py": 80.0}


def test_address_is_asked(tree: ContentTree) -> None:
    with serve(lambda _: Reply(200, COVERAGE.encode())) as server:
        assert load(tree, coverage_report=f"{server.url}/c.json")[0] == {"packs/a/scripts/s/s.py": 80.0}
    with serve(lambda _: Reply(404)) as server, pytest.raises(RegistryError, match="answered 404"):
        load(tree, coverage_report=f"{server.url}/c.json")


def test_nothing_is_read_without_waves(tree: ContentTree) -> None:
    assert load(tree, coverage_report="none.json", waves=[]) == ({}, set())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"coverage_report": "none.json"},
            "cannot read none.json, neither in the commit nor here: No",
        ),
        ({"coverage_report": "Tests/conf.json"}, 'Tests/conf.json has no "files"'),
        ({"nightly_packs": "coverage.json"}, 'coverage.json has no "nightly_packs"'),
        ({"nightly_packs": "Packs/A/Scripts/S/S.yml"}, "Packs/A/Scripts/S/S.yml is no JSON"),
    ],
)
def test_file_that_is_something_else_is_told(
    tree: ContentTree, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(tree, **settings)
