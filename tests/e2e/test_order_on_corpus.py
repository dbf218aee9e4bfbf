"""In which order a real content repository is updated at the default limits."""

import json
import lzma
from collections import Counter
from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.decisions.evaluation import Evaluation
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.planning.plan import Limits
from autobump.settings.model import Settings
from autobump.support.progress import Silent
from benchmarks.order import describe, fewest
from tests.conftest import NOW
from tests.fixtures.quarter import Quarter, merge_all
from tests.fixtures.repositories import make_repository, script_pack

LIMITS = Limits()


@pytest.fixture(scope="module")
def evaluation(corpus: Path, corpus_repository: Path) -> Evaluation:
    tags = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    tree = ContentTree.open(corpus_repository)
    return Pass(tree, Settings(), SnapshotSource(tags), NOW, Silent()).evaluate({})


@pytest.mark.corpus
def test_most_is_done_first_and_all_in_the_fewest_passes(evaluation: Evaluation) -> None:
    items, images = [], []
    for plan in merge_all(evaluation.bumps, LIMITS):
        items.append(sum(len(pr.bumps) for pr in plan.pull_requests))
        images.append(Counter(pr.repository for pr in plan.pull_requests))
        assert len(plan.pull_requests) <= LIMITS.max_new_per_run
    everything = len(evaluation.bumps)
    pull_requests, passes, images_of_a_pack = fewest(evaluation.bumps, LIMITS)
    assert sum(items) == everything == 1262
    assert images[0]["demisto/python3"] > 5
    assert sum(items[:5]) >= 0.8 * everything
    assert len(items) == max(passes, images_of_a_pack) == 25
    assert sum(images, Counter()).total() <= 1.03 * pull_requests


@pytest.mark.corpus
def test_every_item_is_updated_in_a_quarter_in_which_the_large_images_are_rebuilt(
    evaluation: Evaluation,
) -> None:
    found = {image: tags for image, tags in evaluation.found.items() if isinstance(tags, tuple) and tags}
    quarter = Quarter({bump.path: bump for bump in evaluation.bumps}, found, LIMITS)
    for day in range(90):
        if day % 3 == 2:
            quarter.publish("demisto/python3")
            quarter.publish("demisto/python")
            quarter.publish("demisto/crypto")
        quarter.run()
    assert not quarter.never_updated
    assert max(quarter.updates.values()) > 5
    assert max(quarter.longest.values()) <= 45


@pytest.mark.corpus
def test_benchmark_tells_of_each_order(evaluation: Evaluation) -> None:
    by_name, by_achievement, in_batches = describe(evaluation.bumps).splitlines()[-3:]
    assert by_name.split()[2:4] == ["26", "193"]
    assert by_achievement.split()[2] == "25"
    assert in_batches.split()[2] == "7"


def test_pass_hears_from_the_registry_what_was_kept_up(tmp_path: Path) -> None:
    """Item for item the large image goes first, as long as it was not updated of late."""
    files: dict[str, str | bytes] = {**script_pack("Small", {"One": "demisto/small:1.0.0.1"})}
    for large, first in (("1.0.0.2", "demisto/large"), ("1.0.0.899", "demisto/small")):
        files |= script_pack("Large", {f"Item{n}": f"demisto/large:{large}" for n in range(3)})
        git = make_repository(tmp_path / large, files)
        tags = {"demisto/large": [f"1.0.0.{build}" for build in range(2, 901)], "demisto/small": ["1.0.0.3"]}
        settings = Settings.model_validate({"pull_requests": {"max_new_per_run": 1}})
        result = Pass(ContentTree.open(git.directory), settings, SnapshotSource(tags), NOW, Silent()).plan()
        assert [pr.repository for pr in result.plan.pull_requests] == [first]
