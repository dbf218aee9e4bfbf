"""What every workflow and action of this repository keeps to."""

import re
from pathlib import Path

import pytest

from tests.fixtures.workflows import ACTION, ROOT, WORKFLOWS, find_steps, read_yaml

PINS = {
    "actions/attest-build-provenance": "4d101475d8b20a2381f78447822ac1eab6504dd8 # v4.2.2",
    "actions/cache": "55cc8345863c7cc4c66a329aec7e433d2d1c52a9 # v6.1.0",
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "actions/setup-python": "a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0",
    "actions/upload-artifact": "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1",
}
"""Commit and version of each action. A new one is looked up in its repository, by its tag, and put here."""

FILES = (ACTION, *WORKFLOWS)
PAGE = ROOT / "docs" / "actions.md"
_NAMES = re.compile(r"`([a-z-]+)`")
_USES = re.compile(r"^ *(?:- )?uses: *(.+)$", re.MULTILINE)


def named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", FILES, ids=named)
def test_every_action_is_pinned_to_a_commit_that_was_looked_up(path: Path) -> None:
    written = _USES.findall(path.read_text())
    assert len(written) == sum(1 for step in find_steps(path) if "uses" in step)
    for line in written:
        if line.startswith("./"):
            continue
        name, _, commit = line.partition("@")
        assert PINS.get("/".join(name.split("/")[:2])) == commit, line


def test_documents_name_every_input_of_the_action() -> None:
    section = PAGE.read_text()
    table = {name for row in section.splitlines() if row.startswith("| `") for name in _NAMES.findall(row)}
    assert read_yaml(ACTION)["inputs"].keys() <= table
    assert all(f"`{name}`" in section for name in read_yaml(ACTION)["outputs"])


def test_documents_pin_what_they_use() -> None:
    used = _USES.findall(PAGE.read_text())
    own = [line for line in used if line.startswith("OWNER/autobump/.github/actions/autobump@COMMIT # v")]
    assert len(own) == 2
    for line in used:
        name, _, commit = line.partition("@")
        assert line in own or PINS[name] == commit


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_value_is_written_into_a_shell_script(path: Path) -> None:
    for step in find_steps(path):
        assert "${{" not in step.get("run", "")
        assert "${{" not in step.get("shell", "")


@pytest.mark.parametrize("path", FILES, ids=named)
def test_checkouts_leave_no_token_behind(path: Path) -> None:
    for step in find_steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_jobs_have_only_the_permissions_they_name_and_end_in_time(path: Path) -> None:
    workflow = read_yaml(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_nothing_runs_with_rights_on_behalf_of_a_stranger(path: Path) -> None:
    assert read_yaml(path)["on"].keys() & {"pull_request_target", "workflow_run", "issue_comment"} == set()


def test_python_versions_are_the_oldest_and_a_newer_one() -> None:
    (workflow,) = (path for path in WORKFLOWS if path.name == "ci.yml")
    versions = read_yaml(workflow)["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions[0] == "3.11"
    assert read_yaml(ACTION)["inputs"]["python-version"]["default"] == versions[-1]
