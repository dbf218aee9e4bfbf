"""Looks at what a setting changes: in a plan of real content, or on the object that uses it."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.config import Settings
from autobump.content.facts_cache import FactsCache
from autobump.content.tree import ContentTree
from autobump.health import ServiceState, judge_health
from autobump.images.choice import TagRecord
from autobump.images.facts import ImageFacts
from autobump.images.lookup import Wanted, look_up_releases
from autobump.images.sources import open_tag_source
from autobump.images.sources.deprecated import open_deprecated_images
from autobump.images.sources.facts import FileFacts, open_facts_source
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.judge import Filters
from autobump.planning.waves import WaveFacts, WavePullRequest, take_turns
from autobump.progress import Silent
from autobump.pull_requests.forges import github_api
from autobump.pull_requests.forges.open import identify_forge, open_forge
from autobump.pull_requests.render import PullRequestOptions
from autobump.rollout import load_wave_facts
from autobump.run import Pass, PassResult
from autobump.schedule import find_next_due
from autobump.settings_file import parse_settings
from tests.support.bumps import make_bump
from tests.support.github import standing_in
from tests.support.repositories import branches, make_repository, script_pack
from tests.support.servers import serve

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


class World:
    """A real content repository, what is published of its images, and a folder."""

    def __init__(self, folder: Path, repository: Path, tags: SnapshotSource, corpus: Path) -> None:
        self.folder = folder
        self.corpus = corpus
        self.tree = ContentTree.open(repository)
        self.tags = tags
        self.cache = FactsCache(folder / "cache")
        self.facts = FileFacts(TagFile(corpus / "images-2026-05.json.xz"))
        self.patch = pytest.MonkeyPatch()
        items = [bump.path.removesuffix(".yml") for bump in self.plan(Settings()).judged.bumps]
        coverage = {f"{path}.py": number % 100 for number, path in enumerate(items)}
        (folder / "coverage.json").write_text(json.dumps({"files": coverage}))
        (folder / "nightly.json").write_text(json.dumps({"nightly_packs": ["Base", "EWS"]}))

    def settings(self, text: str) -> Settings:
        """Return settings; FOLDER and CORPUS in the text are folders."""
        text = text.replace("FOLDER", str(self.folder)).replace("CORPUS", str(self.corpus))
        return parse_settings(text.encode(), "s.yml")

    def plan(self, settings: Settings, *packs: str, risk: bool = False) -> PassResult:
        """Plan the whole repository or some packs, with a look at the risk if wanted."""
        return Pass(
            self.tree,
            settings,
            self.tags,
            NOW,
            Silent(),
            Filters(packs=packs),
            cache=self.cache,
            facts=self.facts if risk else None,
            wave_facts=load_wave_facts(settings.rollout, self.tree),
        ).plan()


Look = Callable[[World, Settings], object]


def plan_shows(look: Callable[[PassResult], object], *packs: str, risk: bool = False) -> Look:
    """Return a look at the plan of the whole repository or of some packs."""
    return lambda world, settings: look(world.plan(settings, *packs, risk=risk))


def skipped(reason: str) -> Look:
    return plan_shows(lambda result: sum(skip.reason == reason for skip in result.judged.skipped))


def skipped_packs(reason: str) -> Look:
    return plan_shows(
        lambda result: sorted({skip.pack for skip in result.judged.skipped if skip.reason == reason})
    )


def images(result: PassResult) -> list[str]:
    return sorted({bump.image.repository for bump in result.judged.bumps})


def support(result: PassResult) -> list[str]:
    return sorted({bump.pack.metadata.support for bump in result.judged.bumps if bump.pack.metadata})


def waiting(result: PassResult) -> dict[str, int]:
    return dict(Counter(wait.reason.value for wait in result.plan.waiting))


def targets(result: PassResult) -> list[str]:
    return sorted({bump.target.tag.text for bump in result.judged.bumps})


def held(result: PassResult) -> int:
    return sum(skip.reason == "held" for skip in result.judged.skipped)


def why_held(result: PassResult) -> list[str]:
    return sorted(
        {skip.detail.partition(" frozen")[2] for skip in result.judged.skipped if skip.reason == "held"}
    )


def first_wave(result: PassResult) -> int:
    """Return how many items are in the wave `a`."""
    bumps = [bump for pr in result.plan.pull_requests for bump in pr.bumps]
    bumps += [wait.bump for wait in result.plan.waiting]
    return sum(bump.wave == "a" for bump in bumps)


def most_of_an_image(result: PassResult) -> int:
    """Return the most items of one image and tag in the wave `a`."""
    bumps = [bump for pr in result.plan.pull_requests for bump in pr.bumps]
    bumps += [wait.bump for wait in result.plan.waiting]
    counts = Counter((bump.image.repository, bump.target.tag) for bump in bumps if bump.wave == "a")
    return max(counts.values())


def waves(result: PassResult) -> list[str]:
    return sorted({pr.planned.wave for pr in result.desired})


def pythons(result: PassResult) -> list[str]:
    """Return the versions that tags of demisto/python3 begin with."""
    tags = [bump.target.tag for bump in result.judged.bumps if bump.image.name == "python3"]
    return sorted({".".join(map(str, tag.parts[:2])) for tag in tags})


def most_items(result: PassResult) -> int:
    """Return the most items in a pull request with more than one pack."""
    return max(len(pr.planned.paths) for pr in result.desired if len(pr.planned.packs) > 1)


def soaking(_: World, settings: Settings) -> object:
    """Return why the pack B waits a day after the wave of the pack A was merged."""
    bumps = [make_bump("A", "One"), make_bump("B", "Two")]
    merged = WavePullRequest(
        "demisto/python3", "1.0.0.9", "a", (bumps[0].path,), False, NOW - timedelta(days=1)
    )
    turns = take_turns(bumps[1:], settings.waves, [merged], frozenset(), WaveFacts(), NOW)
    return [wait.detail for wait in turns.waiting]


def options(result: PassResult) -> PullRequestOptions:
    (found,) = {pr.options for pr in result.desired}
    return found


def option(name: str) -> Look:
    """Return a look at what the pull request of one pack gets beside its text."""
    return plan_shows(lambda result: getattr(options(result), name), "Base")


def lanes(result: PassResult) -> list[tuple[str, tuple[str, ...]]]:
    """Return lane and labels of every pull request."""
    return sorted((pr.planned.lane, pr.labels[1:]) for pr in result.desired)


def links(world: World, settings: Settings) -> object:
    """Return the branch that links in a body on GitHub lead to."""
    folder = world.folder / settings.content.base
    github = standing_in(folder, {**script_pack("A", {"S": "demisto/x:1.0.0.1"})})
    (folder / "tags.json").write_text(json.dumps({"demisto/x": ["1.0.0.2"]}))
    with serve(github.answer) as server:
        world.patch.setenv("GITHUB_API_URL", server.url)
        world.patch.setenv("GITHUB_TOKEN", "bot-token")
        repository = [
            "--repo",
            str(github.git.directory),
            "--rev",
            "master",
            "--tags",
            f"file:{folder}/tags.json",
        ]
        output = ["--format", "json", "--output", str(folder / "report.json")]
        change = f"content.base={settings.content.base}"
        assert (
            run_command(["run", "--forge", "github", "--dry-run", *repository, *output, "--set", change]) == 0
        )
    return sorted(set(re.findall(r"/blob/(\w+)/", (folder / "report.json").read_text())))


def written_files(world: World, settings: Settings) -> object:
    """Return what a commit of the local forge changes."""
    folder = world.folder / f"notes-{settings.pull_requests.release_notes}"
    git = make_repository(folder, script_pack("A", {"S": "demisto/x:1.0.0.1"}))
    (folder / "tags.json").write_text(json.dumps({"demisto/x": ["1.0.0.2"]}))
    change = f"pull_requests.release_notes={str(settings.pull_requests.release_notes).lower()}"
    tags = ["--tags", f"file:{folder / 'tags.json'}"]
    assert run_command(["run", "--repo", str(folder), *tags, "--set", change]) == 0
    (branch,) = branches(git)
    return [Path(name).name for name in git.run("diff", "--name-only", "master", branch).decode().split()]


def cache_folder(world: World, settings: Settings) -> object:
    """Return which of two folders a plan remembers things in."""
    repository = world.folder / "cached"
    if not repository.exists():
        make_repository(repository, script_pack("A", {"S": "demisto/x:1.0.0.1"}))
    home = world.folder / "home"
    world.patch.setenv("HOME", str(home))
    (repository / "tags.json").write_text(json.dumps({"demisto/x": ["1.0.0.2"]}))
    arguments = ["--repo", str(repository), "--tags", f"file:{repository / 'tags.json'}"]
    arguments += [
        "--output",
        str(world.folder / "plan.txt"),
        "--set",
        f"registry.cache={settings.registry.cache}",
    ]
    assert run_command(["plan", *arguments]) == 0
    places = {"home": home / ".cache/autobump", "named": world.folder / "named"}
    return [name for name, place in places.items() if place.is_dir()]


class Meeting:
    """Tags that are told as soon as two images are asked for, and after a while to one alone."""

    def __init__(self) -> None:
        self.met = False
        self._meeting = threading.Barrier(2)

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        pass

    def fetch_tags(self, repository: str) -> Sequence[TagRecord]:
        try:
            self._meeting.wait(1)
            self.met = True
        except threading.BrokenBarrierError:
            pass
        return [TagRecord("1.0.0.1")]

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        return None

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        return None

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        return None


def asks_at_once(_: World, settings: Settings) -> object:
    """Return whether two images are asked for at the same time."""
    meeting = Meeting()
    wanted = Wanted({"a/a": {None}, "b/b": {None}}, timedelta(), NOW, settings.registry.concurrency)
    look_up_releases(meeting, wanted, Silent())
    return meeting.met


def pace(world: World, settings: Settings) -> object:
    """Return the least seconds between two writes of the forge that is opened."""
    seen: list[float] = []

    def connect(_token: object, _url: str, _repository: str, pace: github_api.GitHubPace, _: object) -> None:
        seen.append(pace.write_seconds)

    world.patch.setenv("GITHUB_TOKEN", "t")
    world.patch.setattr(github_api, "connect_with_token", connect)
    open_forge("github", world.tree.git, settings, NOW)
    return seen


def tag_source(_: World, settings: Settings) -> object:
    return type(open_tag_source(settings.registry.source)).__name__


def facts_source(_: World, settings: Settings) -> object:
    registry = settings.registry
    return type(open_facts_source(registry.facts, registry.source, None, 1)).__name__


def deprecated_images(_: World, settings: Settings) -> object:
    return bool(open_deprecated_images(settings.registry.deprecated_images, "file:tags.json").fetch())


def place(world: World, settings: Settings) -> object:
    return identify_forge("github", world.tree.git, settings)


def next_due(_: World, settings: Settings) -> object:
    due = find_next_due(settings.schedule, NOW + timedelta(minutes=1))
    return due.astimezone(UTC).isoformat() if due else None


def overdue(_: World, settings: Settings) -> object:
    """Return whether a pass that should have begun half an hour ago is overdue."""
    state = ServiceState(due=NOW - timedelta(minutes=30))
    return judge_health(state, NOW, settings.schedule.misfire_grace).facts["status"]


def address(_: World, settings: Settings) -> object:
    return settings.schedule.address


def dashboards(world: World, settings: Settings) -> object:
    """Return how many issues a pass on GitHub keeps."""
    folder = world.folder / f"dashboard-{settings.pull_requests.dashboard}"
    github = standing_in(folder, {**script_pack("A", {"S": "demisto/x:1.0.0.1"})})
    with serve(github.answer) as server:
        world.patch.setenv("GITHUB_API_URL", server.url)
        world.patch.setenv("GITHUB_TOKEN", "bot-token")
        tree = ContentTree.open(folder)
        source = SnapshotSource({"demisto/x": ["1.0.0.2"]})
        forge = open_forge("github", tree.git, settings, NOW)
        Pass(tree, settings, source, NOW, Silent()).run(forge, dry_run=False)
    return len(github.issues)


def listed(*keys: str) -> Look:
    """Return a look at one setting of every repository that is listed."""

    def look(_: World, settings: Settings) -> object:
        found: list[object] = []
        for entry in settings.repositories:
            value: object = settings.of_repository(entry)
            for key in keys:
                value = getattr(value, key)
            found.append(value)
        return found

    return look


def own_clones(_: World, settings: Settings) -> object:
    """Return the folder of each repository that is listed, None for autobump's own clone."""
    return [entry.path for entry in settings.repositories]
