"""Lets demisto-sdk validate pull requests that autobump makes from real content.

Run as `make sdk-check`. It installs demisto-sdk into an environment of its own, runs autobump on the corpus,
and validates one pull request each with integrations only, with scripts only, and with a pack that has both:
of each kind the smallest, because an item takes it a second. Then it spoils a release note and expects the
validation to fail.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from autobump.cli import run_command
from tests.demisto_sdk import QUIET, install_sdk
from tests.fixtures.corpus import corpus_folder, unpack_content

VALIDATIONS = "RN103,RN105,RN106,RN107,RN111,RN113,RN114,RN115,PA101,PA114,PA130"
IDENTITY = ("-c", "user.name=check", "-c", "user.email=check@example.com")
UNPARSED_PACK = "NonSupported"
"""Its notes cannot be right: demisto-sdk asks for an item (RN107) that it does not know in a note (RN114)."""

PullRequest = dict[str, Any]


def main() -> int:
    """Run the check and return an exit code."""
    sdk = install_sdk()
    with tempfile.TemporaryDirectory(prefix="autobump-sdk-") as folder:
        repository = unpack_content(Path(folder) / "content")
        add_missing_code(repository)
        report = make_pull_requests(repository, Path(folder))
        chosen = choose(report)
        copies = [check_out(repository, pull_request["branch"]) for pull_request in chosen.values()]
        smallest = min(chosen.values(), key=size_of)
        copies.append(check_out(repository, smallest["branch"], "spoiled"))
        spoil(copies[-1], smallest)
        # One after the other keeps one core busy for long.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            *verdicts, of_spoiled = pool.map(lambda copy: validate(sdk, copy), copies)
        for (name, pull_request), (status, output) in zip(chosen.items(), verdicts, strict=True):
            print(f"{'valid' if status == 0 else 'INVALID'}: {name}: {pull_request['title']}", flush=True)  # noqa: T201 - a program
            if status:
                print(output)  # noqa: T201 - a program
                return 1
        status, output = of_spoiled
        if status == 0 or "RN111" not in output:
            print(f"a spoiled release note was not noticed:\n{output}")  # noqa: T201 - a program
            return 1
        print("noticed as it must be: a release note with another image fails RN111")  # noqa: T201 - a program
    return 0


def add_missing_code(repository: Path) -> None:
    """Commit a small code file beside every item that lacks one: the corpus holds those of Python only.

    demisto-sdk refuses a whole pack when the code of one of its items is missing.
    """
    suffixes = {"javascript": ".js", "powershell": ".ps1", "python": ".py"}
    for item in repository.glob("Packs/*/*/*/*.yml"):
        if not any(item.with_suffix(suffix).exists() for suffix in suffixes.values()):
            language = re.search(r"^ *type: *(javascript|powershell|python)$", item.read_text(), re.MULTILINE)
            if language:
                item.with_suffix(suffixes[language[1]]).write_text("return 0\n")
    git(repository, "add", "--all")
    git(repository, *IDENTITY, "commit", "--quiet", "--message", "Add code files")


def make_pull_requests(repository: Path, folder: Path) -> dict[str, Any]:
    """Run autobump for all items, in small pull requests, and return its report."""
    config, report = folder / "lifted.yml", folder / "report.json"
    config.write_text(
        "pull_requests: {max_open: 100000, max_new_per_run: 100000, max_items: 8}\n"
        f"policy: {{exclude_packs: [ApiModules, {UNPARSED_PACK}]}}\n"
    )
    tags = f"file:{corpus_folder() / 'images-2026-05.json.xz'}"
    options = ["--repo", str(repository), "--config", str(config), "--tags", tags]
    status = run_command(["run", *options, "--format", "json", "--output", str(report)])
    if status:
        raise SystemExit(f"autobump ended with {status}")
    document: dict[str, Any] = json.loads(report.read_text())
    return document


def choose(report: dict[str, Any]) -> dict[str, PullRequest]:
    """Return a pull request of each kind."""
    kinds = {bump["path"]: bump["kind"] for bump in report["bumps"]}

    def kinds_by_pack(pull_request: PullRequest) -> list[set[str]]:
        packs: dict[str, set[str]] = {}
        for path in pull_request["paths"]:
            packs.setdefault(path.split("/")[1], set()).add(kinds[path])
        return list(packs.values())

    wanted: dict[str, Callable[[list[set[str]]], bool]] = {
        "integrations only": lambda packs: all(kind == {"integration"} for kind in packs) and len(packs) > 3,
        "scripts only": lambda packs: all(kind == {"script"} for kind in packs),
        "a pack with both": lambda packs: any(len(kind) == 2 for kind in packs),
    }
    return {
        name: min((pr for pr in report["pull_requests"] if fits(kinds_by_pack(pr))), key=size_of)
        for name, fits in wanted.items()
    }


def size_of(pull_request: PullRequest) -> int:
    """Return how many items a pull request has."""
    return len(pull_request["paths"])


def check_out(repository: Path, branch: str, name: str = "") -> Path:
    """Clone a repository, check a branch out there, and return the clone."""
    clone = repository.with_name(name or branch.replace("/", "-"))
    git(repository, "clone", "--quiet", "--shared", "--branch", branch, str(repository), str(clone))
    git(clone, "branch", "--quiet", "master", "origin/master")
    # demisto-sdk takes a repository for a content repository by the address of its origin.
    git(clone, "remote", "set-url", "origin", "https://example.invalid/demisto/content.git")
    return clone


def validate(sdk: Path, repository: Path) -> tuple[int, str]:
    """Run demisto-sdk's validation of what the branch changes."""
    command = [str(sdk), "validate", "-g", "--prev-ver", "master", "--run-specific-validations", VALIDATIONS]
    home = repository.with_name(f"{repository.name}-home")  # it keeps a log there
    home.mkdir()
    environment = os.environ | QUIET | {"HOME": str(home), "CI": "true"}
    done = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, env=environment, check=False
    )
    return done.returncode, done.stdout + done.stderr


def spoil(repository: Path, pull_request: PullRequest) -> None:
    """Write another image into one release note of the branch."""
    added = git(repository, "diff", "--name-only", "--diff-filter=A", "master", pull_request["branch"])
    note = repository / added.splitlines()[0]
    note.write_text(note.read_text().replace("image to: *demisto/", "image to: *demisto/other-", 1))
    git(repository, *IDENTITY, "commit", "--quiet", "--all", "--message", "Spoil it")


def git(repository: Path, *arguments: str) -> str:
    """Run git and return its output."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    raise SystemExit(main())
