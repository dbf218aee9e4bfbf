"""How long the bodies of a real content repository are."""

from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.images.sources.facts import FileFacts
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.passes.one import Pass
from autobump.pull_requests.render import DesiredPullRequest
from autobump.settings.model import PullRequestSettings, Settings
from autobump.support.progress import Silent
from tests.conftest import NOW

MOST_BYTES = 6_000


@pytest.fixture(scope="module")
def desired(
    corpus: Path, corpus_repository: Path, corpus_tags: SnapshotSource
) -> tuple[DesiredPullRequest, ...]:
    """Return the pull requests of a plan without limits."""
    settings = Settings(pull_requests=PullRequestSettings(max_open=10_000, max_new_per_run=10_000))
    facts = FileFacts(TagFile(corpus / "images-2026-05.json.xz"))
    this = Pass(ContentTree.open(corpus_repository), settings, corpus_tags, NOW, Silent(), facts=facts)
    return this.plan().desired


@pytest.mark.corpus
def test_bodies_of_the_image_with_most_items_are_short(desired: tuple[DesiredPullRequest, ...]) -> None:
    # A pack that is larger than a pull request has a row for each of its 91 items.
    bodies = [
        one.text
        for one in desired
        if one.planned.repository == "demisto/python3" and len(one.planned.bumps) <= 25
    ]
    assert len(bodies) > 25
    assert max(len(body.encode()) for body in bodies) < MOST_BYTES
