from datetime import UTC, datetime
from pathlib import Path

from autobump.content.tree import ContentTree
from autobump.forges.local_git import LocalGitForge
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.passes.result import PassResult
from autobump.service.health import FinishedPass, PassEnd
from autobump.service.metrics import Metrics
from autobump.settings.model import Settings
from autobump.support.http.request_count import RequestCount
from autobump.support.progress import Silent
from tests.conftest import NOW
from tests.fixtures.repositories import make_repository, script_pack

STARTED = datetime(2026, 6, 1, tzinfo=UTC)


def numbers(metrics: Metrics) -> dict[str, float]:
    lines = metrics.render().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def make_pass(folder: Path) -> PassResult:
    files = script_pack("A", {"One": "demisto/x:1.0.0.1", "Two": "demisto/x:1.0.0.1"})
    files |= script_pack("B", {"Three": "demisto/x:latest", "Four": "demisto/none:1.0.0.1"})
    files["Packs/B/Scripts/Bad/Bad.yml"] = "a: [\n"
    git = make_repository(folder / "r", files)
    source = SnapshotSource({"demisto/x": ["1.0.0.2"]})
    forge = LocalGitForge(git, branch_prefix="autobump/", now=NOW)
    return Pass(ContentTree.open(git.directory), Settings(), source, NOW, Silent()).run(forge, dry_run=False)


def test_pass_is_counted_with_what_it_found_and_did(tmp_path: Path) -> None:
    metrics, request_count = Metrics(), RequestCount()
    for left in (None, 4_999, 4_998):
        request_count.count_github_call(left)
    request_count.count_registry_request()
    result = make_pass(tmp_path)
    metrics.count_pass(FinishedPass(STARTED, 2.0, PassEnd.DONE), result, request_count)
    found = numbers(metrics)
    assert found['autobump_passes_total{end="done"}'] == 1
    assert found["autobump_last_success_timestamp_seconds"] == STARTED.timestamp() + 2
    assert found["autobump_last_pass_duration_seconds"] == 2
    assert found['autobump_pass_duration_seconds_bucket{le="3.0"}'] == 1
    assert found["autobump_bumps"] == 2
    assert found['autobump_skipped{reason="mutable-tag"}'] == 1
    assert found['autobump_skipped{reason="image-not-found"}'] == 1
    assert found['autobump_problems{reason="invalid-yaml"}'] == 1
    assert found['autobump_pull_requests_total{action="create"}'] == 1
    assert found["autobump_github_calls_total"] == 3
    assert found["autobump_github_rate_limit_remaining"] == 4_998
    assert found["autobump_registry_requests_total"] == 1


def test_failed_pass_keeps_the_last_success_and_what_was_found(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.count_pass(FinishedPass(STARTED, 2.0, PassEnd.DONE), make_pass(tmp_path), RequestCount())
    metrics.count_pass(FinishedPass(STARTED, 9.0, PassEnd.FAILED, "away"), None, RequestCount())
    found = numbers(metrics)
    assert found['autobump_passes_total{end="failed"}'] == 1
    assert found["autobump_last_success_timestamp_seconds"] == STARTED.timestamp() + 2
    assert found["autobump_bumps"] == 2


def test_reason_that_is_gone_is_gone_from_the_numbers(tmp_path: Path) -> None:
    metrics, result = Metrics(), make_pass(tmp_path)
    metrics.count_pass(FinishedPass(STARTED, 2.0, PassEnd.DONE), result, RequestCount())
    bare = PassResult(
        result.revision, result.now, type(result.evaluation)(0, (), (), (), ()), result.plan, (), ()
    )
    metrics.count_pass(FinishedPass(STARTED, 2.0, PassEnd.DONE), bare, RequestCount())
    found = numbers(metrics)
    assert found["autobump_bumps"] == 0
    assert not any(name.startswith(("autobump_skipped{", "autobump_problems{")) for name in found)
