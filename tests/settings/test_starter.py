"""`autobump init` as a new user meets it."""

import json
import os
import pty
import subprocess
import sys
from email.message import Message
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from autobump.cli import run_command
from autobump.settings import starter
from autobump.settings.load import parse_settings
from autobump.settings.model import Settings
from autobump.settings.starter import WORKFLOW_PATH
from autobump.support.git import Git
from tests.fixtures.repositories import commit, make_repository, script_pack
from tests.fixtures.workflows import ACTION as ACTION_FILE
from tests.fixtures.workflows import read_yaml
from tests.workflows import test_rules as rules
from tests.workflows.test_lint import lint

SETTINGS_PATH = ".github/autobump.yml"
ACTION = "acme/autobump@v1"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Return a content repository with one pack that nobody set up for autobump."""
    git = make_repository(tmp_path / "content", script_pack("A", {"S": "demisto/x:1.0.0.1"}), bare=False)
    git.run("remote", "add", "origin", "https://github.example/acme/content.git")
    return git


def init(git: Git, *options: str) -> int:
    return run_command(["init", "--repo", str(git.directory), *options])


def read(git: Git, path: str = SETTINGS_PATH) -> str:
    return (git.directory / path).read_text()


def written(git: Git) -> set[str]:
    return {path.relative_to(git.directory).as_posix() for path in git.directory.glob(".github/**/*.yml")}


def test_new_user_plans_with_what_was_written(
    git: Git, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = tmp_path / "tags.json"
    tags.write_text(json.dumps({"demisto/x": ["1.0.0.1", "1.0.0.2"]}))
    assert init(git, "--yes", "--action", ACTION, "--tags", f"file:{tags}") == 0
    git.run("add", ".")
    git.run("-c", "user.name=n", "-c", "user.email=n@example.com", "commit", "--quiet", "-m", "Use autobump")
    monkeypatch.chdir(git.directory)
    assert run_command(["config", "check", SETTINGS_PATH]) == 0
    assert run_command(["config", "check"]) == 0
    capsys.readouterr()
    assert run_command(["plan", "--format", "json"]) == 0
    (pull_request,) = json.loads(capsys.readouterr().out)["pull_requests"]
    assert (pull_request["image"], pull_request["target"]) == ("demisto/x", "1.0.0.2")


def test_defaults_come_from_the_repository(git: Git) -> None:
    assert init(git, "--yes", "--no-workflow") == 0
    settings = parse_settings(read(git).encode(), SETTINGS_PATH)
    assert (settings.content.repository, settings.content.base) == ("acme/content", "master")
    assert written(git) == {SETTINGS_PATH}


def test_options_are_what_the_files_say(git: Git) -> None:
    options = ["--repository", "o/n", "--base", "main", "--policy", "python-only", "--schedule", "5 4 * * 0"]
    assert init(git, *options, "--tags", "oci:https://mirror.example", "--action", ACTION) == 0
    settings = parse_settings(read(git).encode(), SETTINGS_PATH)
    assert (settings.content.repository, settings.content.base) == ("o/n", "main")
    assert settings.policy.auto_update == "python-only"
    assert "schedule:" not in read(git)
    assert settings.registry.source == "oci:https://mirror.example"
    workflow: Any = YAML(typ="safe", pure=True).load(read(git, WORKFLOW_PATH))
    assert workflow["on"]["schedule"] == [{"cron": "5 4 * * 0"}]
    checkout, action = workflow["jobs"]["bump"]["steps"]
    assert checkout["with"] == {"ref": "main", "persist-credentials": False}
    dry_run = {"dry-run": "${{ inputs.dry-run }}"}
    assert action == {"uses": "acme/autobump/.github/actions/autobump@v1", "with": dry_run}
    assert workflow["on"]["workflow_dispatch"]["inputs"]["dry-run"]["default"] is False


def test_every_key_that_is_written_says_what_it_means(git: Git) -> None:
    assert init(git, "--yes", "--no-workflow") == 0
    lines = read(git).splitlines()
    for before, line in pairwise(lines):
        if line.startswith("  ") and not line.startswith("  #"):
            assert before.startswith("  # ")


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("git@github.com:acme/content.git", "acme/content"),
        ("ssh://git@github.com/acme/content", "acme/content"),
        ("https://token@github.com/acme/my.content.git/", "acme/my.content"),
    ],
)
def test_repository_is_guessed_from_the_remote(git: Git, url: str, repository: str) -> None:
    git.run("remote", "set-url", "origin", url)
    assert init(git, "--yes", "--no-workflow") == 0
    assert f"  repository: {repository}\n" in read(git)


def test_base_is_the_default_branch_of_the_remote_where_that_is_known(git: Git) -> None:
    git.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert init(git, "--yes", "--no-workflow") == 0
    assert "  base: main\n" in read(git)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name the action with --action OWNER/REPO@REF, or say --no-workflow"),
        (
            ["--no-workflow", "--namespaces", "x"],
            "--namespaces goes with --tags oci:https://host[/prefix] alone",
        ),
        (
            ["--no-workflow", "--tags", "oci:https://r.example", "--namespaces", ","],
            "for --namespaces: registry.",
        ),
        (["--action", "acme"], 'Invalid value for --action: "acme" is not OWNER/REPO@REF'),
        (["--action", "OWNER/autobump@COMMIT"], "put your own in place of COMMIT and OWNER; `git rev-"),
        (["--action", "acme/autobump@REF"], "put your own in place of REF; `git"),
        (["--action", "acme/autobump@0a1b2c3"], "Actions finds no commit by the short name 0a1b2c3; `git"),
        (["--action", ACTION, "--no-workflow"], "--action and --no-workflow exclude each other"),
        (["--no-workflow", "--schedule", "daily"], 'for --schedule: schedule.cron: "daily" must have five'),
        (["--action", ACTION, "--schedule", "0 0 3 * * *"], 'for --schedule: "0 0 3 * * *" has seconds'),
        (["--action", ACTION, "--schedule", "0 3 * * 5-7"], "has the weekday 7"),
        (["--no-workflow", "--repository", "x"], 'for --repository: content.repository: "x": string should'),
        (
            ["--no-workflow", "--tags", "nowhere"],
            'registry.source: "nowhere" is no tag source; use dockerhub',
        ),
        (["--no-workflow", "--base", "-x"], 'for --base: content.base: "-x": string should match'),
    ],
)
def test_wrong_answer_is_told_and_nothing_is_written(
    git: Git, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(git, *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert written(git) == set()


@pytest.mark.parametrize("url", ["/srv/git/content.git", "https://example.com/content", None])
def test_repository_that_cannot_be_guessed_must_be_named(
    git: Git, url: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    git.run(*(["remote", "set-url", "origin", url] if url else ["remote", "remove", "origin"]))
    assert init(git, "--yes", "--no-workflow") == 2
    assert "--repository cannot be told from the repository; name it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "forge"),
    [
        ("https://gitlab.com/acme/content.git", "GitLab"),
        ("https://gitlab.com/acme/group/content.git", "GitLab"),
        ("git@gitlab.example.com:acme/content.git", "GitLab"),
        ("ssh://git@gitlab.example.com:2222/acme/content.git", "GitLab"),
        ("https://user@bitbucket.org/acme/content.git", "Bitbucket"),
        ("git@bitbucket.org:acme/content.git", "Bitbucket"),
        ("https://bitbucket.example.com/scm/acme/content.git", "Bitbucket"),
    ],
)
def test_remote_on_another_forge_is_named_and_not_taken_for_github(
    git: Git, url: str, forge: str, capsys: pytest.CaptureFixture[str]
) -> None:
    git.run("remote", "set-url", "origin", url)
    assert init(git, "--yes", "--no-workflow") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"its remote is on {forge}, which is not supported: autobump makes pull requests on GitHub" in told
    assert "name it with --repository" in told
    assert written(git) == set()
    assert init(git, "--yes", "--no-workflow", "--repository", "acme/content") == 0
    assert "  repository: acme/content\n" in read(git)


@pytest.mark.parametrize(
    "url", ["https://github.com/gitlab/content.git", "git@ghe.example.com:bitbucket/content"]
)
def test_owner_called_like_another_forge_is_on_github(git: Git, url: str) -> None:
    git.run("remote", "set-url", "origin", url)
    assert init(git, "--yes", "--no-workflow") == 0


def test_base_is_never_the_branch_somebody_works_on(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    def base() -> str:
        assert init(git, "--yes", "--no-workflow", "--force") == 0
        return read(git).partition("  base: ")[2].partition("\n")[0]

    git.run("checkout", "--quiet", "-b", "feature")
    assert base() == "master"  # what a local branch is called
    head = git.line("rev-parse", "HEAD")
    git.run("update-ref", "refs/remotes/origin/main", head)
    assert base() == "main"  # what the remote has
    git.run("update-ref", "refs/remotes/origin/develop", head)
    git.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    assert base() == "develop"  # what the remote says
    git.run("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    git.run("update-ref", "-d", "refs/remotes/origin/main")
    capsys.readouterr()
    assert init(git, "--yes", "--no-workflow", "--force") == 2
    assert "--base cannot be told from the repository; name it" in " ".join(capsys.readouterr().err.split())


def test_only_branch_of_a_new_repository_is_the_base(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.run("init", "--quiet", "--initial-branch", "trunk")
    assert init(git, "--yes", "--no-workflow", "--repository", "a/b") == 0
    assert "  base: trunk\n" in read(git)
    commit(git, {"README": "x"}, branch="trunk")
    git.run("symbolic-ref", "HEAD", "refs/heads/not-born")
    assert init(git, "--yes", "--no-workflow", "--repository", "a/b", "--force") == 0
    assert "  base: trunk\n" in read(git)


def test_registry_of_ones_own_gets_its_namespaces(git: Git) -> None:
    source = ("--tags", "oci:https://registry.example.com:5000/mirror")
    assert init(git, "--yes", "--no-workflow", *source) == 0
    usual = Settings().registry.namespaces
    own = tuple(f"registry.example.com:5000/{name}" for name in usual)
    assert parse_settings(read(git).encode(), SETTINGS_PATH).registry.namespaces == (*usual, *own)
    assert (
        init(git, "--yes", "--no-workflow", "--force", *source, "--namespaces", "acme, r.example/acme") == 0
    )
    namespaces = parse_settings(read(git).encode(), SETTINGS_PATH).registry.namespaces
    assert namespaces == ("acme", "r.example/acme")


def test_yes_alone_writes_the_settings_and_says_what_a_workflow_needs(
    git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(git, "--yes") == 0
    assert written(git) == {SETTINGS_PATH}
    out = capsys.readouterr().out
    assert "No workflow was written: it has to name where the autobump action lives." in out
    assert "autobump init --action OWNER/REPO@REF" in out
    assert init(git, "--yes") == 2  # there is nothing more to write
    assert init(git, "--yes", "--action", ACTION) == 0
    assert written(git) == {SETTINGS_PATH, WORKFLOW_PATH}


def test_folder_without_a_work_tree_is_refused(
    git: Git, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git.run("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    for folder in (tmp_path / "bare", tmp_path / "none"):
        assert run_command(["init", "--repo", str(folder), "--yes", "--no-workflow"]) == 2
        assert f"{folder} is no work tree of a git repository: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "missing"), [(SETTINGS_PATH, WORKFLOW_PATH), (WORKFLOW_PATH, SETTINGS_PATH)]
)
def test_file_that_is_there_stays_and_the_other_is_written(
    git: Git, path: str, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (git.directory / path).parent.mkdir(parents=True)
    (git.directory / path).write_text("# mine\n")
    assert init(git, "--yes", "--action", ACTION) == 0
    told = capsys.readouterr().out.splitlines()
    assert f"{path} is there already and stays as it is; --force writes over" in told
    assert [line for line in told if line.startswith("wrote")] == [f"wrote {missing}"]
    assert written(git) == {SETTINGS_PATH, WORKFLOW_PATH}
    assert read(git, path) == "# mine\n"
    assert init(git, "--yes", "--action", ACTION) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert f"{SETTINGS_PATH} and {WORKFLOW_PATH} are there already; --force writes over" in message
    assert read(git, path) == "# mine\n"
    assert init(git, "--yes", "--action", ACTION, "--force") == 0
    assert read(git, path) != "# mine\n"


def test_settings_alone_are_not_written_a_second_time(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(git, "--yes", "--no-workflow") == 0
    assert init(git, "--yes", "--no-workflow") == 2
    assert f"{SETTINGS_PATH} is there already; --force writes over" in capsys.readouterr().err


def test_workflow_that_is_there_needs_no_word_of_the_action(git: Git) -> None:
    (git.directory / WORKFLOW_PATH).parent.mkdir(parents=True)
    (git.directory / WORKFLOW_PATH).write_text("on: push\n")
    assert init(git, "--yes") == 0
    assert read(git, WORKFLOW_PATH) == "on: push\n"
    assert "  repository: acme/content\n" in read(git)


def test_workflow_that_comes_later_says_what_the_settings_say(
    git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--base", "main", "--schedule", "5 4 * * 0"]
    assert init(git, "--yes", "--no-workflow", *options) == 0
    assert init(git, "--yes", "--action", ACTION) == 0
    workflow: Any = YAML(typ="safe", pure=True).load(read(git, WORKFLOW_PATH))
    assert workflow["on"]["schedule"] == [{"cron": "5 4 * * 0"}]
    assert workflow["jobs"]["bump"]["steps"][0]["with"]["ref"] == "main"
    (git.directory / WORKFLOW_PATH).unlink()
    for text, told in (
        ("schedule: {cron: 0 0 3 * * *}\n", 'for --schedule: "0 0 3 * * *" has seconds'),
        ("shedule: {}\n", "autobump.yml:1:1: shedule: unknown key"),
    ):
        (git.directory / SETTINGS_PATH).write_text(text)
        assert init(git, "--yes", "--action", ACTION) == 2
        assert told in " ".join(capsys.readouterr().err.split())
    assert written(git) == {SETTINGS_PATH}


def test_new_user_is_told_where_pull_requests_go(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    git.run("branch", "--move", "work")
    assert init(git, "--yes", "--no-workflow") == 0
    assert "\nPull requests go to work of acme/content.\n" in capsys.readouterr().out
    (git.directory / WORKFLOW_PATH).unlink(missing_ok=True)
    assert init(git, "--yes", "--action", ACTION) == 0
    assert "\nPull requests go to work.\n" in capsys.readouterr().out


def test_new_user_is_told_that_only_what_is_committed_counts(
    git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(git, "--yes", "--no-workflow") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "Commit what was written: autobump reads the commit, never the work tree."
    assert run_command(["config", "check", "--repo", str(git.directory)]) == 0
    assert "in the work tree does not count before it is committed" in capsys.readouterr().err


def test_files_go_to_the_top_of_the_work_tree(git: Git) -> None:
    assert run_command(["init", "--repo", str(git.directory / "Packs/A"), "--yes", "--no-workflow"]) == 0
    assert written(git) == {SETTINGS_PATH}


def test_on_a_terminal_what_was_not_given_is_asked_for_until_it_can_be_used(git: Git) -> None:
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "autobump", "init", "--repo", str(git.directory), "--policy", "opt-out"]
    lines = [
        "nobody",
        "acme/private",
        "",
        "dockerfiles-info",
        "0 3 * * 7",
        "0 3 * * 0",
        "acme/autobump",
        ACTION,
    ]
    with subprocess.Popen(command, stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(terminal, "".join(f"{line}\n" for line in lines).encode())
        output, errors = process.communicate()
    os.close(inside)
    os.close(terminal)
    assert process.returncode == 0, errors
    told = (output + errors).decode()
    assert "[acme/content]: " in told
    assert 'content.repository: "nobody"' in told
    assert "has the weekday 7" in told
    assert '"acme/autobump" is not OWNER/REPO@REF' in told
    settings = parse_settings(read(git).encode(), SETTINGS_PATH)
    assert (settings.content.repository, settings.content.base) == ("acme/private", "master")
    assert settings.registry.source == "dockerfiles-info"
    assert "uses: acme/autobump/.github/actions/autobump@v1 # a tag" in read(git, WORKFLOW_PATH)
    assert "note: OWNER/REPO is the repository on GitHub that holds autobump" in told


def test_without_a_terminal_nothing_is_asked(git: Git) -> None:
    command = [sys.executable, "-m", "autobump", "init", "--repo", str(git.directory), "--no-workflow"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        # Its stdin stays open and silent: whoever asked would wait for ever.
        assert process.wait(60) == 0
    assert written(git) == {SETTINGS_PATH}


def test_actionlint_and_the_rules_of_our_workflows_have_nothing_against_what_is_written(git: Git) -> None:
    assert init(git, "--yes", "--action", ACTION) == 0
    assert lint({"autobump.yml": read(git, WORKFLOW_PATH)}) == []
    path = git.directory / WORKFLOW_PATH
    rules.test_jobs_have_only_the_permissions_they_name_and_end_in_time(path)
    rules.test_checkouts_leave_no_token_behind(path)
    pinned = [line for line in read(git, WORKFLOW_PATH).splitlines() if "actions/checkout@" in line]
    assert pinned == [f"      - uses: actions/checkout@{rules.PINS['actions/checkout']}"]


def cron_of(git: Git) -> str:
    workflow: Any = YAML(typ="safe", pure=True).load(read(git, WORKFLOW_PATH))
    return str(workflow["on"]["schedule"][0]["cron"])


def test_time_stands_where_it_is_read(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(git, "--yes", "--action", ACTION) == 0
    assert cron_of(git) == "17 3 * * 1-5"  # off the full hour
    assert "cron" not in read(git)
    (git.directory / SETTINGS_PATH).unlink()
    assert init(git, "--yes") == 0  # beside the workflow that is there
    assert "cron" not in read(git)
    (git.directory / SETTINGS_PATH).unlink()
    assert init(git, "--yes", "--schedule", "5 4 * * *") == 2
    assert "says when it runs; leave out --schedule" in " ".join(capsys.readouterr().err.split())
    (git.directory / WORKFLOW_PATH).unlink()
    assert init(git, "--yes") == 0  # before a workflow that comes later
    assert "cron" not in read(git)
    assert init(git, "--yes", "--force", "--schedule", "5 4 * * *") == 0
    assert parse_settings(read(git).encode(), SETTINGS_PATH).schedule.cron == "5 4 * * *"
    assert init(git, "--yes", "--action", ACTION) == 0
    assert cron_of(git) == "5 4 * * *"


def test_service_gets_its_time_in_the_settings(git: Git) -> None:
    assert init(git, "--yes", "--no-workflow") == 0
    assert "  cron: 0 3 * * 1-5\n" in read(git).replace('"', "")


def test_both_ways_to_sign_in_stand_ready_in_the_workflow(git: Git) -> None:
    assert init(git, "--yes", "--action", ACTION) == 0
    text = read(git, WORKFLOW_PATH)
    words = " ".join(text.replace("#", "").split())
    assert (
        "They start no checks, and need the repository's switch Settings > Actions > General > Allow" in words
    )
    known = read_yaml(ACTION_FILE)["inputs"].keys()
    app = ["app-id: ${{ vars.AUTOBUMP_APP_ID }}", "app-private-key: ${{ secrets.AUTOBUMP_APP_PRIVATE_KEY }}"]
    for lines in (["token: ${{ github.token }}"], app):
        turned_on = text
        for line in lines:
            assert f"          # {line}\n" in text
            turned_on = turned_on.replace(f"          # {line}\n", f"          {line}\n")
        assert lint({"autobump.yml": turned_on}) == []
        step: Any = YAML(typ="safe", pure=True).load(turned_on)["jobs"]["bump"]["steps"][1]
        assert [f"{name}: {value}" for name, value in step["with"].items()][1:] == lines
        assert step["with"].keys() <= known


@pytest.mark.parametrize(("ref", "pinned"), [("v1", False), ("main", False), ("0a" * 20, True)])
def test_action_that_can_be_moved_is_told(
    git: Git, ref: str, pinned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(git, "--yes", "--action", f"acme/autobump@{ref}") == 0
    (line,) = (line for line in read(git, WORKFLOW_PATH).splitlines() if "acme/autobump" in line)
    assert line.endswith(f"@{ref}" if pinned else f"@{ref} # a tag or branch can be moved: write a commit")
    told = capsys.readouterr().out
    assert (f"{ref} is no commit" in told) == ("`git rev-parse HEAD`" in told) == (not pinned)


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        ([], None),
        (["Homepage, https://autobump.example"], None),
        (
            ["Homepage, https://autobump.example", "Source, https://github.com/acme/autobump"],
            "acme/autobump@v1.2",
        ),
        (["Source, https://github.com/acme/autobump.git"], "acme/autobump@v1.2"),
    ],
)
def test_action_is_known_as_soon_as_the_project_has_an_address(
    git: Git, urls: list[str], found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = Message()
    about["Version"] = "1.2"
    for url in urls:
        about["Project-URL"] = url
    monkeypatch.setattr(starter, "metadata", lambda _: about)
    assert starter.find_action() == found
    assert init(git, "--yes") == 0
    assert (WORKFLOW_PATH in written(git)) is bool(found)
    if found:
        assert f"@{found.partition('@')[2]} #" in read(git, WORKFLOW_PATH)


def test_action_that_nobody_knows_is_explained(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(git) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "OWNER/REPO is the repository on GitHub that holds autobump" in told
    assert "REF the commit of it that you reviewed" in told
