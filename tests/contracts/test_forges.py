"""What every forge promises: the local repository, the GitHub stand-in, and a third party's emulator.

The emulator gives commits names of its own, keeps an open pull request's head as it was, and lists no pull
requests among issues; nothing here depends on those.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.forges.github.api import GitHubPace
from autobump.forges.github.client import connect_with_token
from autobump.forges.github.forge import GitHubForge, GitHubOptions
from autobump.forges.local_git import LocalGitForge
from autobump.forges.protocol import Forge
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.pull_requests.actions import Outcome
from autobump.pull_requests.dashboard import Overview, Requests, render_dashboard
from autobump.settings.model import Settings
from autobump.support.git import Git
from autobump.support.progress import Silent
from autobump.support.secrets import Secret
from tests.conftest import NOW
from tests.fixtures.emulator import TOKEN, run_emulator
from tests.fixtures.github import GitHubStandIn
from tests.fixtures.repositories import commit, make_repository, script_pack, show
from tests.fixtures.servers import serve

OLD = "1.0.0.1"
FILES = script_pack("A", {"One": f"demisto/x:{OLD}"}) | script_pack("B", {"Two": f"demisto/y:{OLD}"})
PATH = "Packs/A/Scripts/One/One.yml"


@dataclass
class Place:
    """A forge with one small content repository.

    Attributes:
        git: Where the analysed commit is.
        forge: Opens the forge anew, as the next pass would.
        read: Reads a file at a commit of the forge.
        branches: Names of the branches under the prefix.
        meddle: Commits to a branch as somebody else.
        has_dashboard: It has a place for a dashboard.
    """

    git: Git
    forge: Callable[[], Forge]
    read: Callable[[str, str], str]
    branches: Callable[[], list[str]]
    meddle: Callable[[str], None]
    has_dashboard: bool = True

    def run(self, **tags: str) -> dict[str, Outcome]:
        """Run a pass with the newest tag of each image, and return outcomes by image."""
        known = {f"demisto/{name}": [OLD, tag] for name, tag in tags.items()}
        one = Pass(
            ContentTree.open(self.git.directory, "master"), Settings(), SnapshotSource(known), NOW, Silent()
        )
        outcomes = one.run(self.forge(), dry_run=False).outcomes or ()
        assert [outcome.failure for outcome in outcomes] == [""] * len(outcomes)
        named = {}
        for outcome in outcomes:
            action = outcome.action
            marker = action.desired.marker if hasattr(action, "desired") else action.existing.marker
            assert marker is not None
            named[marker.image] = outcome
        return named


def github_forge(url: str, token: str) -> Forge:
    api = connect_with_token(Secret(token), url, "demisto/content", GitHubPace(write_seconds=0))
    labels = Settings().pull_requests.labels
    return GitHubForge(api, GitHubOptions(base="master", branch_prefix="autobump/", labels=labels))


def open_local(folder: Path, stack: ExitStack) -> Place:
    git = make_repository(folder / "r", FILES)
    local = in_git(git, lambda: LocalGitForge(git, branch_prefix="autobump/", now=NOW))
    return replace(local, has_dashboard=False)


def open_stand_in(folder: Path, stack: ExitStack) -> Place:
    git = make_repository(folder / "r", FILES)
    server = stack.enter_context(serve(GitHubStandIn(git).answer))
    return in_git(git, lambda: github_forge(server.url, "bot-token"))


def in_git(git: Git, forge: Callable[[], Forge]) -> Place:
    """Return a place whose branches are those of a git repository at hand."""

    def branches() -> list[str]:
        listing = git.run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/autobump/")
        return listing.decode().split()

    def meddle(branch: str) -> None:
        commit(git, {"mine": "x"}, branch=branch)

    return Place(git, forge, lambda head, path: show(git, head, path).decode(), branches, meddle)


def open_emulator(folder: Path, stack: ExitStack) -> Place:
    git = make_repository(folder / "r", FILES)
    emulator = stack.enter_context(run_emulator(folder))
    emulator.push(FILES)

    def read(head: str, path: str) -> str:
        found = emulator.repo("GET", f"/contents/{path}?ref={head}")
        return base64.b64decode(found["content"]).decode()

    def branches() -> list[str]:
        found = emulator.repo("GET", "/git/matching-refs/heads/autobump/")
        return [ref["ref"].removeprefix("refs/heads/") for ref in found]

    def meddle(branch: str) -> None:
        head = emulator.repo("GET", f"/git/ref/heads/{branch}")["object"]["sha"]
        tree = emulator.repo("GET", f"/git/commits/{head}")["tree"]["sha"]
        body = {"message": "mine", "tree": tree, "parents": [head]}
        mine = emulator.repo("POST", "/git/commits", body)["sha"]
        emulator.repo("PATCH", f"/git/refs/heads/{branch}", {"sha": mine})

    return Place(git, lambda: github_forge(emulator.proxy.url, TOKEN), read, branches, meddle)


FORGES = [open_local, open_stand_in, open_emulator]


@pytest.fixture(params=FORGES, ids=[opener.__name__.removeprefix("open_") for opener in FORGES])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield request.param(tmp_path, stack)


def names(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {image: outcome.action.name for image, outcome in outcomes.items()}


def test_nothing_exists_at_first(place: Place) -> None:
    assert list(place.forge().fetch_existing()) == []


def test_created_branch_holds_the_change_and_is_found_again(place: Place) -> None:
    made = place.run(x="1.0.0.2", y="1.0.0.2")
    assert names(made) == {"demisto/x": "create", "demisto/y": "create"}
    head = made["demisto/x"].head
    assert head is not None
    assert "demisto/x:1.0.0.2" in place.read(head, PATH)
    found = {pr.branch: pr for pr in place.forge().fetch_existing()}
    assert sorted(found) == sorted(place.branches())
    existing = found[made["demisto/x"].action.desired.branch]  # type: ignore[union-attr]  # it is a Create
    assert (existing.head, existing.hold_reason, existing.unfinished) == (head, "", "")
    assert existing.marker is not None
    assert (existing.marker.image, existing.marker.target, existing.marker.packs) == (
        "demisto/x",
        "1.0.0.2",
        ("A",),
    )


def test_second_pass_leaves_everything(place: Place) -> None:
    made = place.run(x="1.0.0.2", y="1.0.0.2")
    again = place.run(x="1.0.0.2", y="1.0.0.2")
    assert names(again) == {"demisto/x": "leave", "demisto/y": "leave"}
    assert {i: o.head for i, o in again.items()} == {i: o.head for i, o in made.items()}


def test_newer_tag_moves_the_branch(place: Place) -> None:
    place.run(x="1.0.0.2", y="1.0.0.2")
    after = place.run(x="1.0.0.3", y="1.0.0.2")
    assert names(after) == {"demisto/x": "refresh", "demisto/y": "leave"}
    head = after["demisto/x"].head
    assert head is not None
    assert "demisto/x:1.0.0.3" in place.read(head, PATH)
    assert len(place.branches()) == 2


def test_update_that_is_not_wanted_any_more_loses_its_branch(place: Place) -> None:
    place.run(x="1.0.0.2", y="1.0.0.2")
    after = place.run(x=OLD, y="1.0.0.2")
    assert names(after) == {"demisto/x": "close", "demisto/y": "leave"}
    assert len(place.branches()) == 1


def test_commit_of_somebody_else_is_left_alone(place: Place) -> None:
    made = place.run(x="1.0.0.2", y="1.0.0.2")
    branch = made["demisto/x"].action.desired.branch  # type: ignore[union-attr]  # it is a Create
    place.meddle(branch)
    after = place.run(x="1.0.0.3", y="1.0.0.2")
    assert names(after) == {"demisto/x": "hold", "demisto/y": "leave"}
    assert len(place.branches()) == 2


def test_dashboard_is_found_again_where_there_is_a_place_for_it(place: Place) -> None:
    text = render_dashboard(Overview(), Requests())
    for written in (text, text, f"{text}\nmore\n", text):
        forge = place.forge()
        forge.fetch_dashboard()
        forge.write_dashboard(written)
        assert place.forge().fetch_dashboard() == (written if place.has_dashboard else "")


def test_there_is_no_dashboard_at_first(place: Place) -> None:
    assert place.forge().fetch_dashboard() == ""
