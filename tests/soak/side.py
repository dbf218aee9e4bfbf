"""One of two repositories that live through the same things, and what people see of it."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.fixtures.faults import OF_GITHUB, OF_REGISTRIES, Storm
from tests.fixtures.github import GitHubStandIn, Pull
from tests.fixtures.servers import Answerer, Server
from tests.soak.worker import Ended, Worker

SETTINGS: dict[str, dict[str, object]] = {
    # One question after the other: the faults of a seed then hit the same ones each time.
    "registry": {"facts": "none", "deprecated_images": "none", "concurrency": 1},
    "pull_requests": {
        "max_items": 3,
        "max_open": 100,
        "max_new_per_run": 100,
        "write_pause": "0 seconds",
        "reviewers": ["reviewer"],
        "assignees": ["person"],
        "automerge": True,
        "dashboard": True,
    },
}
_BASE = "master"


class Side:
    """A repository on a GitHub of its own, a way to the registry, and the processes that make its passes."""

    def __init__(self, folder: Path, github: GitHubStandIn, registry: Answerer) -> None:
        """Begin with no process and no faults."""
        self.folder = folder
        self.github = github
        self.storm = Storm(github.answer, OF_GITHUB)
        self.registry_storm = Storm(registry, OF_REGISTRIES)
        self.servers: list[Server] = []
        self._config = folder / "settings.yml"
        settings = SETTINGS | {"registry": {**SETTINGS["registry"], "cache": str(folder / "cache")}}
        self._config.write_text(json.dumps(settings))
        self._workers: dict[str, Worker] = {}
        self._changes: dict[str, Any] = {}
        self._calls = 0

    def worker(self, name: str = "main") -> Worker:
        """Return the process of this name, starting it where there is none."""
        if name not in self._workers:
            environment = {
                "GITHUB_API_URL": self.servers[0].url,
                "GITHUB_TOKEN": "bot-token",
                "HOME": str(self.folder),
                "GIT_CONFIG_GLOBAL": "/dev/null",
            }
            self._workers[name] = Worker(self.folder / f"{name}.log", environment)
        return self._workers[name]

    def begin(self, name: str = "main", *, patience: float = 0, at_rest: bool = False) -> None:
        """Begin a pass in the process of this name; see `Worker.begin`."""
        options = ["--repo", str(self.github.git.directory), "--rev", _BASE, "--config", str(self._config)]
        options += ["--tags", f"oci:{self.servers[1].url}", "--refresh"]
        options += ["--format", "json", "--output", str(self.folder / "report.json")]
        self._calls = len(self.github.calls)
        arguments = ["run", "--forge", "github", *options]
        self.worker(name).begin(arguments, patience=patience, at_rest=at_rest)

    def end(self, name: str = "main") -> Ended:
        """Wait for the end of a pass; a process that was killed by it is forgotten."""
        ended = self._workers[name].end()
        if ended.status < 0:
            self._workers.pop(name).close()
        return ended

    def writes(self) -> int:
        """Return how many calls of the last pass wrote something."""
        return sum(1 for call in self.github.calls[self._calls :] if not call.startswith("GET"))

    def last_words(self, name: str = "main") -> str:
        """Return the end of what a process said, and what failed in the last pass that made a report."""
        report = self.folder / "report.json"
        made = json.loads(report.read_text())["pull_requests"] if report.exists() else []
        failures = [f"{pull['branch']}: {pull['failure']}" for pull in made if pull["failure"]]
        return "\n".join([(self.folder / f"{name}.log").read_text()[-3000:], *failures])

    def forget(self) -> None:
        """Forget the requests that were kept."""
        self.github.calls.clear()
        for server in self.servers:
            server.requests.clear()

    def close(self) -> None:
        """End its processes."""
        for worker in self._workers.values():
            worker.close()

    def told(self) -> dict[str, Any]:
        """Return all that people see, in words that do not hang on when a thing was made.

        Pull requests are told by their branch and how many it had before, commits by what they change.
        """
        names = self._names()
        told: dict[str, Any] = {
            "the base": self.github.git.line("rev-parse", f"{_BASE}^{{tree}}"),
            "the issues": len(self.github.issues),
        }
        for ref in self._refs():
            told[f"the branch {ref}"] = "" if ref == _BASE else self._change(self.github.head_of(ref))
        for pull in self.github.pulls:
            told[f"pull request {names[pull.number]}"] = self._tell(pull, names)
        for issue in self.github.issues:
            lines = sorted(_told(issue.body.replace("\r\n", "\n"), names).splitlines())
            facts = {"state": issue.state, "labels": sorted(issue.labels), "body": lines}
            told[f"issue {issue.title}"] = facts
        return told

    def _tell(self, pull: Pull, names: dict[int, str]) -> dict[str, Any]:
        head = self.github.head_of(pull.branch) if pull.state == "open" else pull.head
        return {
            "state": (pull.state, bool(pull.merged_at), pull.draft, pull.automerge),
            "title": pull.title,
            "body": _told(pull.body, names).splitlines(),
            "labels": sorted(pull.labels),
            "people": (pull.reviewers, pull.assignees),
            "comments": [(user, _told(text, names)) for user, text in pull.comments],
            "change": self._change(head) if head else None,
        }

    def _names(self) -> dict[int, str]:
        seen: dict[str, int] = defaultdict(int)
        names: dict[int, str] = {}
        for pull in self.github.pulls:
            seen[pull.branch] += 1
            names[pull.number] = f"{pull.branch} ({seen[pull.branch]})"
        return names

    def _refs(self) -> list[str]:
        return (
            self.github.git.run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").decode().split()
        )

    def _change(self, head: str) -> Any:
        """Return which files a commit's branch changes to what, and who says what of it."""
        if head not in self._changes:
            git = self.github.git
            fork = git.line("merge-base", _BASE, head)
            files = git.line("diff", "--raw", "--no-abbrev", fork, head).splitlines()
            commits = git.line("log", "--format=%an: %B", f"{fork}..{head}").splitlines()
            # The tree of a commit holds the base of its day, too.
            said = [line for line in commits if not line.startswith("Autobump-Tree: ")]
            self._changes[head] = (files, said)
        return self._changes[head]


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return what is not the same in both, a line each."""
    found: list[str] = []
    for key in sorted(one.keys() | other.keys()):
        if key not in one or key not in other:
            found.append(f"{key}: only {'with' if key in other else 'without'} faults")
        elif one[key] != other[key]:
            found += [f"{key}: {line}" for line in _unlike(one[key], other[key])]
    return found


def _unlike(one: Any, other: Any) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            f"{name}: {line}"
            for name in one
            if one[name] != other[name]
            for line in _unlike(one[name], other[name])
        ]
    if isinstance(one, list) and isinstance(other, list):
        less = [f"only without faults: {line}" for line in one if line not in other]
        return less + [f"only with faults: {line}" for line in other if line not in one] or ["another order"]
    return [f"without faults {one!r}, with faults {other!r}"]


def _told(text: str, names: dict[int, str]) -> str:
    text = re.sub(r'"head":"[0-9a-f]*"', '"head":""', text)
    text = re.sub(r"(rebuild:#\d+)@[0-9a-f]+", r"\1", text)
    return re.sub(r"(#|pull/)(\d+)", lambda match: f"{match[1]}{names.get(int(match[2]), match[2])}", text)
