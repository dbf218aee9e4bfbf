"""The short form of `make soak`."""

from pathlib import Path

from tests.fixtures.faults import OF_GITHUB, OF_REGISTRIES
from tests.soak.__main__ import table
from tests.soak.soak import INTERRUPTED, KILLED, ROUND, run_soak


def test_passes_through_faults_of_every_kind_end_like_passes_without_any(tmp_path: Path) -> None:
    result = run_soak(tmp_path, passes=2 * ROUND, seed=1)
    assert result.flaws == []
    assert result.growth == []
    assert result.passes == 2 * ROUND
    assert {INTERRUPTED, KILLED} <= result.ends.keys()
    assert {kind for kind in OF_REGISTRIES if result.faults["registry"][kind]} == set(OF_REGISTRIES)
    assert {kind for kind in OF_GITHUB if result.faults["GitHub"][kind]} == set(OF_GITHUB)
    assert min(result.requests.values()) > 2 * ROUND
    assert result.pulls.total() > 0
    assert "same end as without faults: yes" in table(result)
