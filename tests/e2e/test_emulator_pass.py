"""Real PyGithub on a real wire against a third party's GitHub emulator.

What the emulator cannot show (moving heads, merges, conflicts, closed pull requests in the list of issues,
duplicate pull requests) is shown on the stand-in in test_github_pass.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.pull_requests.marker import find_marker
from autobump.support.git import Git
from tests.fixtures.emulator import APP_ID, APP_KEY, APP_SLUG, TOKEN, Emulator, run_emulator
from tests.fixtures.repositories import make_repository, script_pack

OLD = "1.0.0.1"
FILES = {
    **script_pack("A", {"One": f"demisto/x:{OLD}", "Two": f"demisto/x:{OLD}"}),
    **script_pack("B", {"Three": f"demisto/x:{OLD}"}, version="1.2.99"),
    **script_pack("C", {"Four": f"demisto/y:{OLD}"}),
}


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with run_emulator(tmp_path) as running:
        monkeypatch.setenv("GITHUB_API_URL", running.proxy.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        running.push(FILES)
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Git:
    return make_repository(tmp_path / "checkout", FILES)


def run(
    folder: Path,
    git: Git,
    *newest: str,
    options: tuple[str, ...] = (),
    status: int = 0,
    dashboard: bool = False,
) -> Any:
    tags, config, output = folder / "tags.json", folder / "settings.yml", folder / "report.json"
    tags.write_text(json.dumps({"demisto/x": [OLD, *newest], "demisto/y": [OLD, "1.0.0.2"]}))
    prs = {"write_pause": "0 seconds", "dashboard": dashboard}
    config.write_text(json.dumps({"pull_requests": prs, "registry": {"facts": "none"}}))
    output.unlink(missing_ok=True)
    command = ["run", "--forge", "github", "--repo", str(git.directory), "--config", str(config)]
    command += ["--tags", f"file:{tags}", "--format", "json", "--output", str(output), *options]
    assert run_command(command) == status
    return json.loads(output.read_text()) if output.exists() else None


def test_whole_life_of_pull_requests(tmp_path: Path, emulator: Emulator, repository: Git) -> None:
    dry = run(tmp_path, repository, "1.0.0.2", options=("--dry-run",))
    assert emulator.writes() == []
    assert [pr["action"] for pr in dry["pull_requests"]] == ["create", "create"]

    first = run(tmp_path, repository, "1.0.0.2")
    made = {pr["branch"]: pr for pr in first["pull_requests"]}
    assert made.keys() == {pr["branch"] for pr in dry["pull_requests"]}
    pulls = emulator.repo("GET", "/pulls?state=open")
    assert {pull["head"]["ref"]: pull["number"] for pull in pulls} == {
        branch: pr["number"] for branch, pr in made.items()
    }
    for pull in pulls:
        pr = made[pull["head"]["ref"]]
        assert (pull["title"], pull["body"]) == (pr["title"], pr["body"])
        assert [label["name"] for label in pull["labels"]] == ["docker-image-auto-update"]
        marker = find_marker(pull["body"])
        assert marker is not None
        assert marker.head == pr["head"]
        files = emulator.repo("GET", f"/compare/master...{pr['head']}")["files"]
        expected = set(pr["paths"]) | {f"Packs/{pack}/pack_metadata.json" for pack in pr["packs"]}
        assert {file["filename"] for file in files if file["status"] == "modified"} == expected
        assert len([file for file in files if file["status"] == "added"]) == len(pr["packs"])
        for file in files:
            if file["status"] == "modified":
                changed = [line for line in file["patch"].splitlines() if line[0] in "+-"]
                assert [line[0] for line in changed] == ["-", "+"], file["patch"]

    emulator.writes()
    second = run(tmp_path, repository, "1.0.0.2")
    assert [pr["action"] for pr in second["pull_requests"]] == ["leave", "leave"]
    assert len(emulator.proxy.requests) <= 5
    assert emulator.writes() == []

    third = run(tmp_path, repository, "1.0.0.2", "1.0.0.3")
    numbers = {branch: pr["number"] for branch, pr in made.items()}
    assert {pr["branch"]: pr["number"] for pr in third["pull_requests"]} == numbers
    assert sorted(pr["action"] for pr in third["pull_requests"]) == ["leave", "refresh"]
    titles = {pull["title"] for pull in emulator.repo("GET", "/pulls?state=open")}
    assert titles == {"Update demisto/x to 1.0.0.3 (2 packs)", "Update demisto/y to 1.0.0.2 (1 pack)"}


def test_wrong_token_is_told(
    tmp_path: Path,
    emulator: Emulator,
    repository: Git,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    assert run(tmp_path, repository, "1.0.0.2", status=1) is None
    assert "does not accept the token" in capsys.readouterr().err


def test_github_app_acts_in_its_own_name(
    tmp_path: Path, emulator: Emulator, repository: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("AUTOBUMP_APP_ID", str(APP_ID))
    monkeypatch.setenv("AUTOBUMP_APP_PRIVATE_KEY", APP_KEY)
    first = run(tmp_path, repository, "1.0.0.2")
    assert [pr["action"] for pr in first["pull_requests"]] == ["create", "create"]
    pulls = emulator.repo("GET", "/pulls?state=open")
    assert {pull["user"]["login"] for pull in pulls} == {f"{APP_SLUG}[bot]"}
    emulator.writes()
    second = run(tmp_path, repository, "1.0.0.2")
    assert [pr["action"] for pr in second["pull_requests"]] == ["leave", "leave"]
    assert [path for path in emulator.writes() if not path.endswith("/access_tokens")] == []


def test_dashboard_is_made_once_and_its_boxes_are_heeded(
    tmp_path: Path, emulator: Emulator, repository: Git
) -> None:
    run(tmp_path, repository, "1.0.0.2", dashboard=True)
    (issue,) = issues(emulator)
    number = issue["number"]
    assert (issue["user"]["login"], [label["name"] for label in issue["labels"]]) == (
        "content-bot",
        ["autobump:dashboard"],
    )
    emulator.writes()
    run(tmp_path, repository, "1.0.0.2", dashboard=True)
    assert len(emulator.proxy.requests) <= 5 + 1
    assert emulator.writes() == []

    mark = "<!-- rebuild:#1 -->"
    ticked = issue["body"].replace(f"- [ ] {mark}", f"- [x] {mark}").replace("\n", "\r\n")
    emulator.repo("PATCH", f"/issues/{number}", {"body": ticked})
    third = run(tmp_path, repository, "1.0.0.2", dashboard=True)
    assert {pr["number"]: pr["action"] for pr in third["pull_requests"]} == {1: "refresh", 2: "leave"}
    (again,) = issues(emulator)
    assert (again["number"], again["body"]) == (number, issue["body"])

    emulator.repo("PATCH", f"/issues/{number}", {"state": "closed"})
    emulator.writes()
    run(tmp_path, repository, "1.0.0.2", "1.0.0.3", dashboard=True)
    assert not any("issues" in path for path in emulator.writes())


def issues(emulator: Emulator) -> list[Any]:
    """Return the issues that are no pull requests."""
    found = emulator.repo("GET", "/issues?state=all&per_page=100")
    return [issue for issue in found if not issue.get("pull_request")]
