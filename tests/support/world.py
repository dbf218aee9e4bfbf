"""A repository on GitHub, a list of tags, and the bot between them, driven through the command line."""

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from autobump.cli import run_command
from tests.support.github import GitHubStandIn, standing_in
from tests.support.repositories import commit, item_yaml, script_pack
from tests.support.servers import Reply, Request

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

    def run_cut_off(self, cut: int) -> None:
        """Run one pass that loses GitHub at its write of this number, from 1, and has it again afterwards."""
        writes = itertools.count(1)

        def hang_up(request: Request) -> Reply | None:
            return Reply(hang_up=True) if request.method != "GET" and next(writes) >= cut else None

        self.github.before = hang_up
        self.run(status=None)
        self.github.before = lambda _: None

    def writes(self) -> list[str]:
        """Return the writes since the last time this was asked."""
        made = [call for call in self.github.calls if not call.startswith("GET")]
        self.github.calls.clear()
        return made


def every_action(folder: Path) -> World:
    """Return a world in which the next pass creates, adopts, refreshes, leaves, closes and holds."""
    files: dict[str, str | bytes] = {}
    for name in ("create", "adopt", "refresh", "leave", "close", "hold", "merged", "closed"):
        files |= script_pack(name, {"One": f"demisto/{name}:{OLD}"})
    return World(folder, standing_in(folder / "github", files))


def prepare_every_action(world: World) -> None:
    """Do what came before that pass."""
    first = {name: ["1.0.0.2"] for name in ("refresh", "leave", "close", "hold", "merged", "closed")}
    world.publish(**first)
    world.settings["pull_requests"] |= {"reviewers": ["reviewer"], "assignees": ["person"]}
    world.run()
    github = world.github
    numbers = {pull.title.split()[1].split("/")[1]: pull.number for pull in github.pulls}
    github.close(numbers["closed"])
    github.merge(numbers["merged"], delete_branch=False)
    commit(github.git, {"Packs/hold/x": "mine"}, branch=github.pull(numbers["hold"]).branch)
    commit(github.git, {"Packs/close/Scripts/One/One.yml": item_yaml("demisto/close:1.0.0.2", name="One")})
    world.publish(**first | {"refresh": ["1.0.0.3"], "create": ["1.0.0.2"], "adopt": ["1.0.0.2"]})

    def cut(request: Request) -> Reply | None:
        return Reply(hang_up=True) if request.method == "POST" and request.path.endswith("/pulls") else None

    github.before = cut
    world.run("--image", "demisto/adopt", status=1)
    github.before = lambda _: None


def numberless(github: GitHubStandIn) -> Any:
    """Return the state without what depends on the order in which two passes made things."""
    *pulls, branches = github.state()
    return sorted(pull[1:] for pull in pulls), branches
