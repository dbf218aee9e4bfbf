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


@pytest.mark.corpus
def test_public_repository_gets_small_pull_requests_of_what_is_tested_best(
    corpus_repository: Path, corpus_tags: SnapshotSource
) -> None:
    tree = ContentTree.open(corpus_repository)
    pack = "CommonScripts"
    scripts = [
        entry.path
        for entry in tree.entries
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
