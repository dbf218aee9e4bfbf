"""A year of daily passes with real tags on their real dates, and people who merge, close, edit and wait."""

import json
import lzma
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobump.content.cache import ContentCache
from autobump.content.tree import ContentTree
from autobump.forges.github.api import GitHubPace
from autobump.forges.github.client import connect_with_token
from autobump.forges.github.forge import GitHubForge, GitHubOptions
from autobump.images.reference import find_immutable_tag
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.pull_requests.marker import find_marker
from autobump.settings.model import Settings
from autobump.support.progress import Silent
from autobump.support.secrets import Secret
from tests.fixtures.github import GitHubStandIn
from tests.fixtures.repositories import commit, make_repository, script_pack, show
from tests.fixtures.servers import serve

START = datetime(2025, 5, 31, tzinfo=UTC)
DAYS = 365
PACKS = 24


@pytest.mark.corpus
def test_year_of_daily_passes_keeps_every_promise(tmp_path: Path, corpus: Path) -> None:
    dice = random.Random(20250531)  # noqa: S311 - a simulation, not a secret
    dated = dated_tags(corpus)
    busy = sorted(dated, key=lambda image: (-sum(at > START for at in dated[image].values()), image))[:12]
    packs = {f"Pack{number:02}": dice.sample(busy, k=1 + number % 2) for number in range(PACKS)}
    files: dict[str, str | bytes] = {}
    for pack, images in packs.items():
        files |= script_pack(
            pack,
            {f"{pack}Item{n}": f"{image}:{newest(dated[image], START)}" for n, image in enumerate(images)},
        )
    git = make_repository(tmp_path / "github", files)
    github = GitHubStandIn(git)
    versions: dict[str, tuple[int, ...]] = dict.fromkeys(packs, (1, 0, 0))
    items = {
        f"Packs/{pack}/Scripts/{pack}Item{n}/{pack}Item{n}.yml": image
        for pack, images in packs.items()
        for n, image in enumerate(images)
    }
    builds: dict[str, int] = {}
    closed: set[tuple[str, str, str]] = set()
    idle_calls: list[int] = []
    calls_by_month: dict[str, list[int]] = defaultdict(list)
    actions: Counter[str] = Counter()
    cache = ContentCache(tmp_path)
    checked = ""
    with serve(github.answer) as server:
        for day in range(1, DAYS + 1):
            now = START + timedelta(days=day)
            tags = {image: [tag for tag, at in dated[image].items() if at <= now] for image in busy}
            pushed = pushed_by_people(github)
            known, before = len(github.pulls), len(github.calls)
            outcomes = run_pass(git.directory, tags, server.url, now, cache)
            assert not [outcome.failure for outcome in outcomes if outcome.failure]
            names = [outcome.action.name for outcome in outcomes]
            actions.update(names)
            calls = github.calls[before:]
            calls_by_month[f"{now:%Y-%m}"].append(len(calls))
            if all(call.startswith("GET") for call in calls):
                idle_calls.append(len(calls) - len(pushed))

            touched = [pack for pull in github.open_pulls() for pack in packs_of(pull.body)]
            assert len(touched) == len(set(touched)), "two open pull requests touch one pack"
            for pull in github.pulls[known:]:
                marker = find_marker(pull.body)
                assert marker is not None
                assert not {(marker.image, marker.target, pack) for pack in marker.packs} & closed, (
                    "one came back"
                )
            people_act(github, dice, closed)
            if checked != (checked := github.head_of("master")):
                check_versions(github, versions)
                check_tags(github, items, dated, builds, now)

    assert actions["create"] > 100
    assert {"create", "refresh", "leave", "hold", "close"} <= actions.keys()
    assert len(idle_calls) > 20
    assert set(idle_calls) == {5}
    report(calls_by_month, actions)


def run_pass(
    repository: Path, tags: dict[str, list[str]], url: str, now: datetime, cache: ContentCache
) -> Any:
    settings = Settings()
    api = connect_with_token(Secret("bot-token"), url, "demisto/content", GitHubPace(write_seconds=0))
    prs = settings.pull_requests
    forge = GitHubForge(api, GitHubOptions(base="master", branch_prefix=prs.branch_prefix, labels=prs.labels))
    tree = ContentTree.open(repository, "master")
    tree.choose_root(settings.content.root)
    one = Pass(tree, settings, SnapshotSource(tags), now, Silent(), cache=cache)
    return one.run(forge, dry_run=False).outcomes


def people_act(github: GitHubStandIn, dice: random.Random, closed: set[tuple[str, str, str]]) -> None:
    """Merge, close, edit or leave each open pull request at random; merged ones always fit."""
    for pull in github.open_pulls():
        marker = find_marker(pull.body)
        assert marker is not None
        chance = dice.random()
        if chance < 0.14:
            assert github.merge(pull.number, delete_branch=dice.random() < 0.5), "a merge conflicts"
        elif chance < 0.16:
            github.close(pull.number, delete_branch=dice.random() < 0.5)
            if not is_edited(github, pull.number):
                closed |= {(marker.image, marker.target, pack) for pack in marker.packs}
        elif chance < 0.17 and not is_edited(github, pull.number):
            commit(github.git, {f"Packs/{marker.packs[0]}/README.md": "by a person"}, branch=pull.branch)


def pushed_by_people(github: GitHubStandIn) -> set[str]:
    """Return our branches that people pushed to, also those left behind; each costs a look at its commit."""
    still = {pull.branch for pull in github.pulls if not is_edited(github, pull.number)}
    return {pull.branch for pull in github.pulls} - still


def is_edited(github: GitHubStandIn, number: int) -> bool:
    pull = github.pull(number)
    marker = find_marker(pull.body)
    head = github.head_of(pull.branch)
    return marker is not None and head not in ("", marker.head)


def packs_of(body: str) -> tuple[str, ...]:
    marker = find_marker(body)
    return marker.packs if marker else ()


def check_versions(github: GitHubStandIn, versions: dict[str, tuple[int, ...]]) -> None:
    """Assert that every version on the base rises by exactly one step and has its release notes."""
    found = read_files(github, [f"Packs/{pack}/pack_metadata.json" for pack in versions])
    for (pack, before), data in zip(list(versions.items()), found, strict=True):
        after = tuple(int(part) for part in json.loads(data)["currentVersion"].split("."))
        step = (before[0], before[1], before[2] + 1) if before[2] < 99 else (before[0], before[1] + 1, 0)
        assert after in (before, step), pack
        if after != before:
            show(github.git, "master", f"Packs/{pack}/ReleaseNotes/{'_'.join(map(str, after))}.md")
        versions[pack] = after


def check_tags(
    github: GitHubStandIn, items: dict[str, str], dated: Any, builds: dict[str, int], now: datetime
) -> None:
    """Assert that no item ever goes back to an older build, and none is ahead of its time."""
    for (path, image), data in zip(items.items(), read_files(github, list(items)), strict=True):
        tag = find_immutable_tag(data.decode().split(f"dockerimage: {image}:")[1].split("\n")[0])
        assert tag is not None
        assert dated[image][tag.text] <= now
        assert tag.build >= builds.get(path, 0), "a downgrade"
        builds[path] = tag.build


def read_files(github: GitHubStandIn, paths: list[str]) -> list[bytes]:
    blobs = github.git.read_objects((f"master:{path}" for path in paths), max_bytes=1 << 20)
    return [blob.data or b"" for blob in blobs]


def dated_tags(corpus: Path) -> dict[str, dict[str, datetime]]:
    """Return the immutable tags of every image with the time each was made."""
    everything = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    dated: dict[str, dict[str, datetime]] = {}
    for image, tags in everything.items():
        found = {
            tag: datetime.fromisoformat(facts["created"])
            for tag, facts in tags.items()
            if facts and facts.get("created") and find_immutable_tag(tag)
        }
        if any(at <= START for at in found.values()):
            dated[image] = found
    return dated


def newest(tags: dict[str, datetime], at: datetime) -> str:
    known = [tag for name, made in tags.items() if made <= at and (tag := find_immutable_tag(name))]
    return max(known).text


def report(calls: dict[str, list[int]], actions: Counter[str]) -> None:
    """Print the table of calls a day."""
    print("\nmonth     passes  calls a day: least  mean  most")  # noqa: T201 - the table is asked for
    for month, days in sorted(calls.items()):
        mean = sum(days) / len(days)
        print(f"{month}  {len(days):>6}  {min(days):>18}  {mean:>4.1f}  {max(days):>4}")  # noqa: T201
    print(", ".join(f"{count} {name}" for name, count in sorted(actions.items())))  # noqa: T201
