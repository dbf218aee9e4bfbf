"""The ready settings in `config/profiles`, and what they make of a real content repository."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.content.cache import ContentCache
from autobump.content.tree import ContentTree
from autobump.images.sources.facts import FileFacts
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.passes.evaluate import Filters
from autobump.passes.one import Pass
from autobump.passes.result import PassResult
from autobump.planning.waves import WaveData
from autobump.settings.load import load_settings
from autobump.settings.model import Settings
from autobump.support.progress import Silent
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata, script_pack
from tests.fixtures.settings import PROFILES

FILES = sorted(PROFILES.glob("*.yml"))
NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


def load(name: str) -> Settings:
    return load_settings(PROFILES / name, None).settings


def plan(
    name: str, repository: Path, tags: SnapshotSource, facts: FileFacts | None, wave_data: WaveData
) -> PassResult:
    tree, cache = ContentTree.open(repository), ContentCache(None)
    return Pass(tree, load(name), tags, NOW, Silent(), Filters(), cache, facts, wave_data=wave_data).plan()


def test_there_is_one_for_the_public_repository_and_one_for_a_private_one() -> None:
    assert [file.name for file in FILES] == ["xsiam-private.yml", "xsoar-content.yml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_profile_passes_the_check(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["config", "check", str(file)]) == 0
    assert "settings are valid" in capsys.readouterr().out


def test_public_profile_begins_with_what_is_tested_nightly_ten_items_at_a_time(tmp_path: Path) -> None:
    old = "demisto/python3:3.10.1.1"
    files = script_pack("Base", {f"Item{n}": old for n in range(3)})
    for pack in "ABCDE":
        files |= script_pack(pack, {f"{pack}{n}": old for n in range(4)})
    git = make_repository(tmp_path / "r", files)
    covered = WaveData(
        {f"packs/base/scripts/item{n}/item{n}.py": 75.0 for n in range(2)}, frozenset({"Base"})
    )
    tags = SnapshotSource({"demisto/python3": ["3.12.1.9"]})
    result = plan("xsoar-content.yml", git.directory, tags, None, covered)
    assert [(pr.planned.wave, len(pr.planned.paths)) for pr in result.desired] == [("tested nightly", 2)]
    assert {pr.labels for pr in result.desired} == {("docker-image-auto-update",)}
    waves = Counter((wait.bump.wave, str(wait.reason)) for wait in result.plan.waiting)
    assert waves == {("rest", "waiting-for-wave"): 21}
    later = plan("xsoar-content.yml", git.directory, tags, None, WaveData())
    assert sorted(len(pr.planned.paths) for pr in later.desired) == [7, 8, 8]


def test_private_profile_updates_its_own_packs_on_plain_python_and_what_asks_for_it(tmp_path: Path) -> None:
    def a_pack(name: str, support: str, image: str, **keys: str) -> dict[str, str]:
        return {
            f"Packs/{name}/pack_metadata.json": pack_metadata(support=support),
            f"Packs/{name}/Scripts/{name}/{name}.yml": item_yaml(
                f"demisto/{image}:1.0.0.1", name=name, **keys
            ),
        }

    files = {
        **a_pack("Own", "community", "python3"),
        **a_pack("Older", "xsiam", "python"),
        **a_pack("Copied", "partner", "python3"),
        **a_pack("Other", "internal", "boto3"),
        **a_pack("Asks", "", "boto3", autoUpdateDockerImage="true"),
        **a_pack("More", "", "ml", autoUpdateDockerImage="true"),
    }
    images = ("python", "python3", "boto3", "ml")
    tags = {f"demisto/{image}": {"1.0.0.2": {"created": "2026-01-01T00:00:00Z"}} for image in images}
    repository = make_repository(tmp_path / "r", files).directory
    result = plan("xsiam-private.yml", repository, SnapshotSource(tags), None, WaveData())
    assert {bump.item.pack for bump in result.evaluation.bumps} == {"Own", "Older", "Asks", "More"}
    assert {skip.pack: str(skip.reason) for skip in result.evaluation.skipped} == {
        "Copied": "support-level",
        "Other": "not-opted-in",
    }
    assert len(result.desired) == 3


@pytest.mark.corpus
def test_public_repository_gets_small_pull_requests_of_what_is_tested_best(
    corpus_repository: Path, corpus_tags: SnapshotSource
) -> None:
    tree = ContentTree.open(corpus_repository)
    pack = "CommonScripts"
    scripts = [
        entry.path
        for entry in tree.list_files()
        if entry.path.startswith(f"Packs/{pack}/") and entry.path.endswith(".py")
    ]
    covered = WaveData({path.lower(): 75.0 for path in scripts}, frozenset({pack}))
    result = plan("xsoar-content.yml", corpus_repository, corpus_tags, None, covered)

    def of_python(wave: str) -> set[str]:
        bumps = [bump for pr in result.plan.pull_requests for bump in pr.bumps]
        bumps += [wait.bump for wait in result.plan.waiting]
        return {
            bump.item.pack
            for bump in bumps
            if bump.image.repository == "demisto/python3" and bump.wave == wave
        }

    assert of_python("tested nightly") == {pack}
    assert of_python("well tested") == set()
    assert len(of_python("rest")) > 200
    why = Counter(wait.detail for wait in result.plan.waiting if wait.reason == "waiting-for-wave")
    assert any(detail.startswith("the wave tested nightly comes first: ") for detail in why)
    assert result.desired
    assert all(len(pr.planned.paths) <= 10 or len(pr.planned.packs) == 1 for pr in result.desired)
    assert {pr.labels for pr in result.desired} == {("docker-image-auto-update",)}


@pytest.mark.corpus
def test_private_repository_gets_a_few_pull_requests_for_its_own_packs_on_plain_python(
    corpus_repository: Path, corpus_tags: SnapshotSource, corpus: Path
) -> None:
    facts = FileFacts(TagFile(corpus / "images-2026-05.json.xz"))
    result = plan("xsiam-private.yml", corpus_repository, corpus_tags, facts, WaveData())
    packs = {bump.pack.metadata.support for bump in result.evaluation.bumps if bump.pack.metadata}
    assert packs <= {"community", "xsiam", "internal", ""}
    assert "community" in packs
    assert {bump.image.repository for bump in result.evaluation.bumps} <= {
        "demisto/python",
        "demisto/python3",
    }
    assert result.evaluation.bumps
    assert len(result.desired) == 3
    assert not any(pr.planned.risk_group for pr in result.desired)
    skipped = Counter(str(skip.reason) for skip in result.evaluation.skipped)
    assert skipped["support-level"] > 900
    assert skipped["not-opted-in"] > 20
