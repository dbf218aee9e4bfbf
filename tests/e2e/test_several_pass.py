"""Ten repositories in one settings file: tags asked once, and one that fails stops nobody."""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.forges.name import ForgeName
from autobump.forges.open import identify_forge
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.evaluate import Filters
from autobump.passes.open import PassOptions
from autobump.passes.result import Failure, PassResult, RepositoryOutcome, merge_outcomes
from autobump.passes.several import run_due_pass
from autobump.pull_requests.labels import UNKNOWN_LABEL
from autobump.report.several import render_several_table
from autobump.report.table import render_table
from autobump.service.due_passes import Runs
from autobump.service.process import find_next_due
from autobump.settings.load import LoadedSettings, load_settings
from autobump.settings.model import Settings
from autobump.support.git import Git
from autobump.support.http.request_count import RequestCount
from autobump.support.lock import lock
from autobump.support.progress import Progress
from tests.fixtures.repositories import branches, commit, make_repository, script_pack
from tests.fixtures.results import make_result
from tests.fixtures.servers import Reply, Request, serve

PACKS = 8
"""Packs of the real repository in each of the ten."""


@pytest.fixture
def fleet(tmp_path: Path, corpus_repository: Path) -> list[Path]:
    """Return ten repositories, each with a part of the real one."""
    folders = sorted(folder for folder in (corpus_repository / "Packs").iterdir() if folder.is_dir())
    used = [folder for folder in folders if any(folder.glob("*/*/*.yml"))][: 10 * PACKS]
    fleet = []
    for number in range(10):
        mine = used[number * PACKS : (number + 1) * PACKS]
        files: dict[str, str | bytes] = {
            file.relative_to(corpus_repository).as_posix(): file.read_bytes()
            for folder in mine
            for file in folder.rglob("*")
            if file.is_file()
        }
        fleet.append(make_repository(tmp_path / f"repository{number}", files).directory)
    return fleet


def write_settings(folder: Path, fleet: list[Path], **more: Any) -> Path:
    path = folder / "settings.yml"
    entries = [{"repository": f"owner/name{n}", "path": str(one)} for n, one in enumerate(fleet)]
    document = {
        "repositories": entries,
        "registry": {"cache": str(folder / "cache"), "facts": "none"},
        **more,
    }
    path.write_text(json.dumps(document))
    return path


def registry(source: SnapshotSource, asked: Counter[str]) -> Any:
    """Return a registry that answers from a tag file, and counts who is asked for."""

    def answer(request: Request) -> Reply:
        path = request.path
        if match := re.fullmatch(r"/v2/(.+)/tags/list", path):
            asked[match[1]] += 1
            tags = [record.name for record in source.fetch_tags(match[1])]
            body = json.dumps({"name": match[1], "tags": tags}).encode()
            return Reply(200, body, {"Content-Type": "application/json"})
        if "/manifests/" in path:
            return Reply(200, b"", {"Docker-Content-Digest": "sha256:" + "0" * 64})
        return Reply(200)

    return answer


@pytest.mark.corpus
def test_ten_repositories_ask_for_tags_once_and_one_failing_stops_nobody(
    tmp_path: Path, fleet: list[Path], corpus_tags: SnapshotSource, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    config = write_settings(tmp_path, [*fleet[:3], tmp_path / "empty", *fleet[4:]])
    asked: Counter[str] = Counter()
    output = tmp_path / "report.json"
    with serve(registry(corpus_tags, asked)) as server:
        options = ["--config", str(config), "--tags", f"oci:{server.url}", "--format", "json"]
        assert run_command(["run", *options, "--output", str(output)]) == 1
        assert "not a git repository" in capsys.readouterr().err
        assert len(asked) > 5
        assert set(asked.values()) == {1}
        report = json.loads(output.read_text())
        assert [one["repository"] for one in report["repositories"]] == [f"owner/name{n}" for n in range(10)]
        failures = [number for number, one in enumerate(report["repositories"]) if one["failure"]]
        assert failures == [3]
        for number, one in enumerate(report["repositories"]):
            if number != 3:
                assert set(branches(Git(fleet[number]))) == {pr["branch"] for pr in one["pull_requests"]}
                assert one["pull_requests"]
        images = [{bump["image"] for bump in one.get("bumps", [])} for one in report["repositories"]]
        shared = Counter(image for found in images for image in found)
        assert max(shared.values()) >= 5, "the repositories use the same images"


@pytest.mark.corpus
def test_plan_of_all_is_that_of_each(tmp_path: Path, fleet: list[Path], corpus: Path) -> None:
    tags = f"file:{corpus / 'images-2026-05.json.xz'}"
    config = write_settings(tmp_path, fleet[:3], pull_requests={"max_items": 3})
    output = tmp_path / "report.json"
    options = ["plan", "--tags", tags, "--format", "json", "--output", str(output)]
    assert run_command([*options, "--config", str(config)]) == 0
    together = json.loads(output.read_text())["repositories"]
    for number in range(3):
        assert run_command([*options, "--config", str(config), "--repository", f"owner/name{number}"]) == 0
        alone = json.loads(output.read_text())
        facts = {"repository": f"owner/name{number}", "failure": None}
        assert facts | alone == together[number]


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    fleet = []
    for name in ("one", "two"):
        git = make_repository(tmp_path / name, {"Packs/A/pack_metadata.json": "{}", "README.md": "x"})
        item = "name: S\ntype: python\nsubtype: python3\nscript: '-'\ndockerimage: demisto/x:1.0.0.1\n"
        pack = json.dumps({"name": "A", "currentVersion": "1.0.0", "support": "xsoar"})
        commit(git, {"Packs/A/Scripts/S/S.yml": item, "Packs/A/pack_metadata.json": pack})
        fleet.append(git.directory)
    (tmp_path / "tags.json").write_text('{"demisto/x": ["1.0.0.1", "1.0.0.2"]}')
    return fleet


@pytest.fixture
def made_fleet(tmp_path: Path) -> list[Path]:
    """Return three repositories that use the same images."""
    return [
        make_repository(
            tmp_path / f"made{number}",
            script_pack("A", {"One": "demisto/x:1.0.0.1"})
            | script_pack(f"B{number}", {f"Two{number}": "demisto/y:1.0.0.1"}),
        ).directory
        for number in range(3)
    ]


MADE_TAGS = {"demisto/x": ["1.0.0.1", "1.0.0.2"], "demisto/y": ["1.0.0.1", "1.0.0.2"]}


def test_repositories_ask_for_the_tags_of_an_image_once_and_one_failing_stops_nobody(
    tmp_path: Path, made_fleet: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    config = write_settings(tmp_path, [made_fleet[0], tmp_path / "empty", made_fleet[2]])
    asked: Counter[str] = Counter()
    output = tmp_path / "report.json"
    with serve(registry(SnapshotSource(MADE_TAGS), asked)) as server:
        options = ["--config", str(config), "--tags", f"oci:{server.url}", "--format", "json"]
        assert run_command(["run", *options, "--output", str(output)]) == 1
    assert "not a git repository" in capsys.readouterr().err
    assert asked == {"demisto/x": 1, "demisto/y": 1}
    report = json.loads(output.read_text())["repositories"]
    assert [bool(one["failure"]) for one in report] == [False, True, False]
    for number in (0, 2):
        assert set(branches(Git(made_fleet[number]))) == {
            pr["branch"] for pr in report[number]["pull_requests"]
        }
        assert len(report[number]["pull_requests"]) == 2


def test_plan_of_made_repositories_together_is_that_of_each(tmp_path: Path, made_fleet: list[Path]) -> None:
    (tmp_path / "tags.json").write_text(json.dumps(MADE_TAGS))
    config = write_settings(tmp_path, made_fleet)
    output = tmp_path / "report.json"
    options = [
        "plan",
        "--tags",
        f"file:{tmp_path / 'tags.json'}",
        "--format",
        "json",
        "--output",
        str(output),
    ]
    assert run_command([*options, "--config", str(config)]) == 0
    together = json.loads(output.read_text())["repositories"]
    for number in range(3):
        assert run_command([*options, "--config", str(config), "--repository", f"owner/name{number}"]) == 0
        facts = {"repository": f"owner/name{number}", "failure": None}
        assert facts | json.loads(output.read_text()) == together[number]


def test_repository_has_its_own_settings_over_the_shared_ones(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.yml"
    entries: list[dict[str, Any]] = [
        {"repository": "owner/one", "path": str(two[0])},
        {"repository": "owner/two", "path": str(two[1]), "pull_requests": {"labels": ["own"]}},
    ]
    shared = {"labels": ["shared"], "branch_prefix": "bot/"}
    config.write_text(json.dumps({"repositories": entries, "pull_requests": shared}))
    options = [
        "plan",
        "--config",
        str(config),
        "--tags",
        f"file:{tmp_path / 'tags.json'}",
        "--format",
        "json",
    ]
    assert run_command(options) == 0
    plans = json.loads(capsys.readouterr().out)["repositories"]
    assert [plan["pull_requests"][0]["labels"] for plan in plans] == [
        ["shared", UNKNOWN_LABEL],
        ["own", UNKNOWN_LABEL],
    ]
    assert all(plan["pull_requests"][0]["branch"].startswith("bot/") for plan in plans)


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_report_for_people_names_each_repository(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str], form: str
) -> None:
    config = write_settings(tmp_path, two)
    options = ["plan", "--config", str(config), "--tags", f"file:{tmp_path / 'tags.json'}", "--format", form]
    assert run_command(options) == 0
    out = capsys.readouterr().out
    assert out.count("Update demisto/x to 1.0.0.2 (1 pack)") == 2
    assert "owner/name0" in out
    assert "owner/name1" in out


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Path]], dict[str, str]]:
    """Plan several repositories, of which one at least fails, and return what each output says."""
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "empty").mkdir()

    def tell(fleet: list[Path]) -> dict[str, str]:
        options = [
            "--config",
            str(write_settings(tmp_path, fleet)),
            "--tags",
            f"file:{tmp_path / 'tags.json'}",
        ]
        options += ["--actions", "--output", str(tmp_path / "out.html"), "--format", "html"]
        for ending in ("html", "json", "md", "txt"):
            options += ["--report", str(tmp_path / f"report.{ending}")]
        assert run_command(["plan", *options]) == 1
        written = [*tmp_path.glob("report.*"), tmp_path / "GITHUB_STEP_SUMMARY", tmp_path / "GITHUB_OUTPUT"]
        return {file.name: file.read_text() for file in written}

    return tell


def test_every_report_names_the_repository_that_failed_and_why(
    tmp_path: Path,
    two: list[Path],
    told: Callable[[list[Path]], dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = told([two[0], tmp_path / "empty"])
    outputs = texts.pop("GITHUB_OUTPUT")
    assert outputs == "bumps=1\npull-requests=1\nproblems=1\n"
    for name, text in texts.items():
        assert "owner/name1" in text, name
        assert f"{tmp_path / 'empty'} is not a git" in text, name
    (annotation,) = capsys.readouterr().out.splitlines()
    assert annotation.startswith(f"::error title=Failed::repository owner/name1: {tmp_path / 'empty'} is not")


def test_every_report_is_written_when_all_repositories_fail(
    tmp_path: Path,
    told: Callable[[list[Path]], dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tags.json").write_text('{"demisto/other": []}')
    texts = told([tmp_path / "empty", tmp_path / "nowhere"])
    assert texts.pop("GITHUB_OUTPUT") == "bumps=0\npull-requests=0\nproblems=2\n"
    for name, text in texts.items():
        assert "owner/name0" in text, name
        assert "owner/name1" in text, name
    assert "every file was evaluated" not in texts["report.html"]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_dashboards_that_fail_are_told_by_their_repository() -> None:
    result = make_result(dashboard_failure="the repository has no issues")
    outcomes = [RepositoryOutcome("owner/one", result), RepositoryOutcome("owner/two", make_result())]
    assert merge_outcomes(outcomes).failures == (
        Failure("dashboard of owner/one", "the repository has no issues"),
    )
    assert merge_outcomes([RepositoryOutcome("", result)]) is result


def test_failure_stays_in_its_line_of_the_table() -> None:
    text = render_several_table([RepositoryOutcome("owner/one", None, "no\n\x1b[31mway")], render_table)
    assert text == "owner/one\n\nfailed: no\\n\\x1b[31mway\n"


def test_unknown_repository_is_told_with_the_nearest(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_settings(tmp_path, two)
    tags = f"file:{tmp_path / 'tags.json'}"
    assert run_command(["plan", "--config", str(config), "--tags", tags, "--repository", "owner/name2"]) == 2
    assert "did you mean owner/name" in capsys.readouterr().err
    assert run_command(["plan", "--repository", "owner/name"]) == 2
    assert "it lists none" in capsys.readouterr().err
    both = ["--config", str(config), "--repo", str(two[0]), "--repository", "owner/name0"]
    assert run_command(["plan", *both]) == 2
    assert "--repo and --repository exclude each other" in capsys.readouterr().err


def test_tag_file_that_cannot_be_used_is_told_before_any_repository(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    tags = tmp_path / "tags.json"
    tags.write_text("odd")
    config = write_settings(tmp_path, two)
    assert run_command(["plan", "--config", str(config), "--tags", f"file:{tags}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no JSON file of tags" in line


def test_matrix_is_one_line_that_actions_reads(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_settings(tmp_path, two, content={"base": "main"})
    assert run_command(["matrix", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {
        "include": [{"repository": f"owner/name{number}", "base": "main"} for number in range(2)]
    }


def test_exported_tags_are_a_source_that_gives_the_same_plan(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_settings(tmp_path, two)
    export = tmp_path / "export.json"
    tags = f"file:{tmp_path / 'tags.json'}"
    assert run_command(["tags", "--export", str(export), "--tags", tags, "--config", str(config)]) == 0
    assert list(json.loads(export.read_text())) == ["demisto/x"]
    capsys.readouterr()
    plans = []
    for source in (tags, f"file:{export}"):
        assert run_command(["plan", "--config", str(config), "--tags", source, "--format", "json"]) == 0
        plans.append(capsys.readouterr().out)
    assert plans[0] == plans[1]


def test_export_of_an_image_that_is_not_there_writes_nothing(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.json"
    tags = f"file:{tmp_path / 'tags.json'}"
    assert run_command(["tags", "demisto/none", "--export", str(export), "--tags", tags]) == 1
    assert not export.exists()


def test_repository_that_stands_twice_is_refused(
    tmp_path: Path, two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.yml"
    entry = {"repository": "owner/one", "path": str(two[0])}
    config.write_text(json.dumps({"repositories": [entry, entry]}))
    assert run_command(["plan", "--config", str(config)]) == 2
    assert 'repositories.1.repository: "owner/one" stands twice' in capsys.readouterr().err


class Service:
    """A service over several repositories, whose clock stands still until it is moved."""

    def __init__(self, folder: Path, fleet: list[Path]) -> None:
        self.now = datetime(2026, 6, 1, 3, tzinfo=UTC)
        self.passes = 0
        self.tags = f"file:{folder / 'tags.json'}"
        self.locks = folder / "cache" / "locks"
        loaded = load_settings(write_settings(folder, fleet), None)
        self.runs = Runs(self.perform, find_next_due, loaded, clock=lambda: self.now)

    def perform(self, loaded: LoadedSettings, progress: Progress, request_count: RequestCount) -> PassResult:
        self.passes += 1
        options = PassOptions(None, "HEAD", self.tags, False, Filters(), ForgeName.LOCAL)
        return run_due_pass(options, lambda _: loaded, loaded, progress, request_count, dry_run=False)

    def run_due(self, times: int = 1) -> None:
        """Let a run be due every 15 minutes."""
        for _ in range(times):
            self.runs.run_due()
            self.now += timedelta(minutes=15)

    def last(self) -> tuple[str, str]:
        """Return how the last pass ended, and what failed."""
        last = self.runs.state.last
        return (str(last.end), last.detail) if last else ("", "")

    def lines(self) -> list[str]:
        """Return the lines of /metrics."""
        return self.runs.metrics.render().decode().splitlines()


def test_due_pass_tells_what_came_of_all_together(tmp_path: Path, two: list[Path]) -> None:
    service = Service(tmp_path, two)
    service.run_due()
    assert service.last() == ("done", "")
    assert "autobump_bumps 2.0" in service.lines()
    assert 'autobump_pull_requests_total{action="create"} 2.0' in service.lines()


def test_repository_that_fails_is_told_and_slows_no_other_down(tmp_path: Path, two: list[Path]) -> None:
    (tmp_path / "empty").mkdir()
    service = Service(tmp_path, [two[0], tmp_path / "empty", two[1]])
    service.run_due(times=8)
    assert service.passes == 8
    end, detail = service.last()
    assert end == "incomplete"
    assert detail.startswith(f"repository owner/name1: {tmp_path / 'empty'} is not a git repository")
    assert not service.runs.health().is_well
    assert [len(branches(Git(one))) for one in two] == [1, 1]
    assert "autobump_bumps 2.0" in service.lines()
    assert 'autobump_pull_requests_total{action="create"} 2.0' in service.lines()


def test_pass_fails_and_backs_off_when_every_repository_fails(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "tags.json").write_text('{"demisto/other": []}')
    service = Service(tmp_path, [tmp_path / "one", tmp_path / "two"])
    service.run_due(times=8)
    assert service.passes == 6
    end, detail = service.last()
    assert end == "failed"
    assert re.fullmatch("owner/name0: .*/one is not .*; owner/name1: .*/two is not .*", detail)


def test_repository_that_another_process_is_at_work_on_is_left_out(
    tmp_path: Path, two: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(tmp_path, two)
    with lock(service.locks, identify_forge(ForgeName.LOCAL, Git(two[0]), Settings())):
        service.run_due()
    assert service.last() == ("done", "")
    assert [len(branches(Git(one))) for one in two] == [0, 1]
    (told,) = [vars(record) for record in caplog.records if record.message == "a repository is left out"]
    assert told["repository"] == "owner/name0"
    assert "is at work on" in told["cause"]
    service.run_due()
    assert [len(branches(Git(one))) for one in two] == [1, 1]


def test_due_run_is_left_out_when_other_processes_are_at_work_on_each(
    tmp_path: Path, two: list[Path]
) -> None:
    service = Service(tmp_path, two)
    first, second = (identify_forge(ForgeName.LOCAL, Git(one), Settings()) for one in two)
    with lock(service.locks, first), lock(service.locks, second):
        service.run_due()
    assert service.last() == ("", "")
    assert 'autobump_runs_left_out_total{reason="locked"} 1.0' in service.lines()


def test_list_in_a_commit_does_not_count_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    committed = {".github/autobump.yml": "repositories: [{repository: owner/other}]\n"}
    make_repository(tmp_path / "r", script_pack("A", {"One": "demisto/python3:1.0.0.1"}) | committed)
    tags = tmp_path / "tags.json"
    tags.write_text('{"demisto/python3": ["1.0.0.9"]}')
    monkeypatch.chdir(tmp_path / "r")
    assert run_command(["plan", "--tags", f"file:{tags}", "--format", "json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["files"] == 1
    assert "repositories listed in a commit do not count; name the file with --config" in told.err
    assert run_command(["plan", "--tags", f"file:{tags}", "--repo", "."]) == 0
    assert "listed in a commit" not in capsys.readouterr().err
