"""A year of real tags through waves, with each value of `rollout.replace`."""

import json
import lzma
from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.pull_requests.reconcile import describe_existing
from autobump.settings.model import Settings
from autobump.support.progress import Silent
from benchmarks.waiting import DAYS, RULES, Year, at_start, describe, read_registry
from tests.conftest import NOW

IMAGES = {"demisto/python3", "demisto/python", "demisto/crypto", "demisto/boto3py3", "demisto/netutils"}
"""Images that many items use, and that come out often."""


def reach(year: Year) -> float:
    """Return how often items of the last wave were updated for each time that those of the first were."""
    return year.updates_of("hardly tested") / year.updates_of("well tested")


@pytest.mark.corpus
def test_rollouts_that_finish_reach_the_last_wave_and_close_nothing(
    corpus: Path, corpus_repository: Path
) -> None:
    tags = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    tree = ContentTree.open(corpus_repository)
    evaluation = Pass(tree, Settings(), SnapshotSource(tags), NOW, Silent()).evaluate({})
    bumps = [bump for bump in evaluation.bumps if bump.image.repository in IMAGES][::5]
    registry = read_registry(corpus, IMAGES)
    years = [Year(rule, registry, at_start(bumps, registry)) for rule in RULES[:3]]
    for year in years:
        year.run(DAYS)
    always, security, never = years
    assert reach(always) < 0.75
    for year in (security, never):
        assert reach(year) > 0.85
        refused = describe_existing(year.existing, lambda _: True).refused
        kept_out = {(image, pack) for image, _, pack in refused}
        assert all(
            year.updates[path] or (bump.image.repository, bump.item.pack) in kept_out
            for path, bump in year.bumps.items()
        )
    assert never.total["refresh"] == never.total["close"] == 0
    assert security.total["close"] < always.total["close"]
    assert security.total["refresh"] < always.total["refresh"]
    assert len(describe(years).splitlines()) == 21
