"""A repository on GitHub, a list of tags, and the bot between them, driven through the command line."""

import hashlib
import json
from pathlib import Path
from typing import Any

from autobump.cli import run_command
from tests.support.github import GitHubStandIn

OLD = "1.0.0.1"
SETTINGS: dict[str, Any] = {"pull_requests": {"write_pause": "0 seconds"}}


def digest_of(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class World:
    """A repository on GitHub, a list of tags, and the bot."""

    def __init__(self, folder: Path, github: GitHubStandIn) -> None:
        self.folder = folder
        self.github = github
        self.tags = folder / "tags.json"
        self.settings: dict[str, Any] = json.loads(json.dumps(SETTINGS))
        self.publish(x=["1.0.0.2"], y=["1.0.0.2"])

    def publish(self, **images: list[str]) -> None:
        """Set the tags, each with a digest of its own."""
        known = {
            f"demisto/{name}": {tag: {"digest": digest_of(f"{name}:{tag}")} for tag in (OLD, *tags)}
            for name, tags in images.items()
        }
        self.tags.write_text(json.dumps(known))

    def run(self, *arguments: str, status: int | None = 0) -> Any:
        """Run one pass and return its report; `status` is how it has to end, None for anyhow."""
        config, output = self.folder / "settings.yml", self.folder / "report.json"
        config.write_text(json.dumps(self.settings))
        output.unlink(missing_ok=True)
        options = ["--repo", str(self.github.git.directory), "--rev", "master", "--config", str(config)]
        options += ["--tags", f"file:{self.tags}", "--format", "json", "--output", str(output)]
        ended = run_command(["run", "--forge", "github", *options, *arguments])
        assert status is None or ended == status
        return json.loads(output.read_text()) if output.exists() else None

    def actions(self, *arguments: str, status: int = 0) -> list[str]:
        """Run one pass and return the names of its actions."""
        return [pr["action"] for pr in self.run(*arguments, status=status)["pull_requests"]]

    def writes(self) -> list[str]:
        """Return the writes since the last time this was asked."""
        made = [call for call in self.github.calls if not call.startswith("GET")]
        self.github.calls.clear()
        return made
