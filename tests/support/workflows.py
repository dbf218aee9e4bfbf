"""Reads workflows and actions, and runs the shell steps of an action as a runner of GitHub Actions does."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = tuple(sorted((ROOT / ".github/workflows").glob("*.yml")))
ACTION = ROOT / ".github/actions/autobump/action.yml"

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_REFERENCE = re.compile(r"[a-z]+(\.[A-Za-z_][A-Za-z0-9_-]*)+")
_EVEN_AFTER_A_FAILURE = "${{ !cancelled() }}"

Contexts = Mapping[str, Any]


def read_yaml(path: Path) -> Any:
    """Return what a workflow or an action says; `on` is a text in it, as for GitHub."""
    return YAML(typ="safe", pure=True).load(path)


def find_steps(path: Path) -> Iterator[Any]:
    """Yield every step of a workflow or an action, in order."""
    document = read_yaml(path)
    for job in document["jobs"].values() if "jobs" in document else [document["runs"]]:
        yield from job["steps"]


def evaluate(text: object, contexts: Contexts) -> str:
    """Put values for the expressions in a text; only plain references such as `inputs.dry-run` are known.

    Raises:
        ValueError: An expression is something else, or its context is not given.
    """
    return _EXPRESSION.sub(lambda match: _look_up(match[1], contexts), _write(text))


def _look_up(reference: str, contexts: Contexts) -> str:
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f"this is no plain reference: {reference}")
    first, *rest = reference.split(".")
    if first not in contexts:
        raise ValueError(f"{reference} is not given")
    value: Any = contexts[first]
    for name in rest:
        value = value.get(name, "")
        if value == "":  # what is not there is empty, as on GitHub
            break
    return _write(value)


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Ended:
    """How an action ended.

    Attributes:
        status: Exit code of the step that failed first, or 0.
        output: Stdout and stderr of its shell steps.
        outputs: What the action puts out.
        summary: The job summary.
        used: Inputs of every action it used, by the name of the step.
    """

    status: int
    output: str
    outputs: Mapping[str, str]
    summary: str
    used: Mapping[str, Mapping[str, str]]


@dataclass
class Runner:
    """A machine that runs actions, one after the other.

    Attributes:
        temp: Its folder for temporary files.
        outputs: What actions that are used put out, by the id of the step: they are not run.
    """

    temp: Path
    outputs: Mapping[str, Mapping[str, str]]
    _installed: set[str] = field(default_factory=set)

    def run(
        self, action: Path, given: Mapping[str, object], workspace: Path, github: Mapping[str, Any]
    ) -> Ended:
        """Run an action.

        Args:
            action: Its `action.yml`.
            given: What the step of the workflow says under `with`.
            workspace: Where the repository is checked out.
            github: The `github` context; the variables that GitHub sets follow from it.

        Raises:
            ValueError: The action has no such input.
        """
        document = read_yaml(action)
        declared = document["inputs"]
        if unknown := given.keys() - declared.keys():
            raise ValueError(f"the action has no input {', '.join(sorted(unknown))}")
        runner = {"temp": str(self.temp), "os": "Linux"}
        contexts: dict[str, Any] = {"github": github, "runner": runner}
        inputs = {name: evaluate(entry["default"], contexts) for name, entry in declared.items()}
        contexts["inputs"] = inputs | {name: _write(value) for name, value in given.items()}
        contexts["steps"] = {name: {"outputs": values} for name, values in self.outputs.items()}
        summary = self.temp / "summary"
        summary.write_text("")
        status, output = 0, ""
        used: dict[str, Mapping[str, str]] = {}
        for step in document["runs"]["steps"]:
            condition = step.get("if")
            if condition not in (None, _EVEN_AFTER_A_FAILURE):
                raise ValueError(f"this condition is not known: {condition}")
            if status and condition is None:
                continue
            if "uses" in step:
                used[step["name"]] = _evaluate_each(step.get("with", {}), contexts)
                continue
            environ = self._environ(action, workspace, github) | _evaluate_each(step["env"], contexts)
            status, told, values = self._run_shell(step, environ, workspace)
            output += told
            contexts["steps"][step.get("id", "")] = {"outputs": values}
        outputs = {name: evaluate(entry["value"], contexts) for name, entry in document["outputs"].items()}
        return Ended(status, output, outputs, summary.read_text(), used)

    def _run_shell(
        self, step: Any, environ: Mapping[str, str], workspace: Path
    ) -> tuple[int, str, Mapping[str, str]]:
        assert step["shell"] == "bash"
        # What is installed does not depend on what tests vary, so that it is really done but once.
        installs = f"{step['env']} {step['run']}" if "pip install" in step["run"] else ""
        if installs and installs in self._installed:
            return 0, "", {}
        script, outputs = self.temp / "step.sh", self.temp / "outputs"
        script.write_text(step["run"])
        outputs.write_text("")
        # Source: "shell: bash" in the workflow syntax of GitHub's documentation.
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        ended = subprocess.run(
            command,
            cwd=workspace,
            env={**environ, "GITHUB_OUTPUT": str(outputs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if installs and not ended.returncode:
            self._installed.add(installs)
        values = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        return ended.returncode, ended.stdout, values

    def _environ(self, action: Path, workspace: Path, github: Mapping[str, Any]) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not re.match("(GITHUB|AUTOBUMP)_", name)}
        names = ("api_url", "event_name", "repository", "run_id", "sha", "server_url")
        return own | {
            **{f"GITHUB_{name.upper()}": str(github[name]) for name in names if name in github},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(action.parent),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(self.temp),
        }


def _evaluate_each(texts: Mapping[str, object], contexts: Contexts) -> dict[str, str]:
    return {name: evaluate(text, contexts) for name, text in texts.items()}
