"""The whole job on a built-in sample: no network, no token."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from autobump.content.tree import ContentTree
from autobump.forges.local_git import LocalGitForge
from autobump.images.sources.facts import FileFacts
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.passes.one import Pass
from autobump.pull_requests.actions import Create
from autobump.report.table import render_table
from autobump.settings.model import Settings
from autobump.support.git import Git
from autobump.support.progress import Silent

_HERE = Path(__file__).parent
_NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


def run_demo(say: Callable[[str], None]) -> None:
    """Plan and run on a copy of the sample in a temporary folder, and show every pull request.

    Args:
        say: Called with each piece of output.
    """
    with tempfile.TemporaryDirectory(prefix="autobump-demo-") as folder:
        git = make_sample_repository(Path(folder))
        settings = Settings()
        tags = _HERE / "tags.json"
        sample = Pass(
            ContentTree.open(Path(folder)),
            settings,
            SnapshotSource.open(tags),
            _NOW,
            Silent(),
            facts=FileFacts(TagFile(tags)),
        )
        say("A small content repository and a list of tags; what would change (autobump plan):\n")
        say(render_table(sample.plan()))
        forge = LocalGitForge(git, branch_prefix=settings.pull_requests.branch_prefix, now=_NOW)
        result = sample.run(forge, dry_run=False)
        say("Written as commits on branches (autobump run --forge local):")
        for outcome in result.outcomes or ():
            if isinstance(outcome.action, Create) and outcome.head:
                say(f"\n{'=' * 88}\n{outcome.action.desired.title}\n{'=' * 88}\n")
                say(outcome.action.desired.text)
                say(f"\n{git.run('diff', '--no-color', result.revision, outcome.head).decode()}")
        again = sample.run(forge, dry_run=False)
        names = [outcome.action.name for outcome in again.outcomes or ()]
        say(f"A second run changes nothing: {names.count('leave')} of {len(names)} left as they are.")


def make_sample_repository(folder: Path) -> Git:
    """Make a git repository with one commit from the built-in sample."""
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch", "master")
    sample = _HERE / "content"
    stream = []
    for file in sorted(sample.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            path = file.relative_to(sample).as_posix()
            stream.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    message = b"Sample content"
    who = f"sample <sample@autobump.invalid> {int(_NOW.timestamp())} +0000"
    head = f"commit refs/heads/master\ncommitter {who}\ndata {len(message)}\n".encode()
    git.run("fast-import", "--quiet", stdin=[head, message, b"\n", *stream])
    return git
