from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobump.content.cache import ContentCache
from autobump.content.problem import Problem
from autobump.content.tree import ContentTree
from autobump.decisions.eligibility import Skipped
from autobump.decisions.evaluation import Evaluation, Notice
from autobump.images.choice import TagRecord
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.inside.facts import ImageFacts
from autobump.images.results import NotFound, Unavailable
from autobump.images.sources import FactsSource, TagSource
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.evaluate import Filters, choose_policy, evaluate_content, read_used_items
from autobump.pull_requests.marker import Marker
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError, UsageError
from autobump.support.progress import Silent
from tests.conftest import NOW
from tests.fixtures.repositories import item_yaml, make_repository, script_pack

OLD = "1.0.0.1"
NEW = "1.0.0.2"

FILES = {
    **script_pack("Alpha", {"One": f"demisto/x:{OLD}", "Two": f"demisto/y:{OLD}"}),
    "Packs/Alpha/Scripts/Bad/Bad.yml": "a: [\n",
    "Packs/Alpha/Scripts/Code/Code.yml": "name: Code\ntype: javascript\n",
    "Packs/Alpha/Scripts/Off/Off.yml": item_yaml(f"demisto/x:{OLD}", name="Off", deprecated="true"),
    **script_pack("Beta", {"Bare": "demisto/bare", "Five": f"demisto/x:{OLD}"}),
    "Packs/Beta/Integrations/In/In.yml": item_yaml(
        f"demisto/x:{NEW}", name="In", kind="integration", **{"  autoUpdateDockerImage": "true"}
    ),
}
TAGS = {"demisto/x": [OLD, NEW], "demisto/y": [OLD, NEW]}
ONE, TWO, OFF, CODE, BAD = (f"Packs/Alpha/Scripts/{n}/{n}.yml" for n in ("One", "Two", "Off", "Code", "Bad"))
BARE, FIVE = (f"Packs/Beta/Scripts/{n}/{n}.yml" for n in ("Bare", "Five"))
IN = "Packs/Beta/Integrations/In/In.yml"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> ContentTree:
    """Return a commit with an item of each kind; nothing here writes to it."""
    return ContentTree.open(make_repository(tmp_path_factory.mktemp("content"), FILES).directory)


class Silence(SnapshotSource):
    """A source that does not answer for some images, and remembers what it was asked."""

    def __init__(self, images: Mapping[str, Any], silent: Collection[str] = ()) -> None:
        super().__init__(images)
        self._silent = silent
        self.asked: list[str] = []
        self.in_use: dict[str, list[str]] = {}

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        self.in_use = {name: sorted(tags) for name, tags in in_use.items()}

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        self.asked.append(repository)
        if repository in self._silent:
            raise RegistryError(f"{repository} does not answer")
        return super().fetch_tags(repository)


class Facts:
    """Tells the Python inside some tags, and fails for the others."""

    def __init__(self, pythons: Mapping[tuple[str, str], str]) -> None:
        self._pythons = pythons

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        pass

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        if (repository, tag) not in self._pythons:
            raise RegistryError(f"no page of {repository}:{tag} today")
        return ImageFacts(python=self._pythons[repository, tag])


class Steps:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.steps = 0

    def begin(self, task: str, total: int) -> None:
        self.begun.append((task, total))

    def step(self) -> None:
        self.steps += 1


def evaluate(
    tree: ContentTree,
    tags: Mapping[str, Any] | TagSource = TAGS,
    settings: Mapping[str, Any] | None = None,
    filters: Filters | None = None,
    facts: FactsSource | None = None,
    deprecated: Mapping[str, DeprecatedImage] | None = None,
) -> Evaluation:
    return evaluate_content(
        tree,
        SnapshotSource(tags) if isinstance(tags, Mapping) else tags,
        Settings.model_validate(settings or {}),
        filters or Filters(),
        now=NOW,
        progress=Silent(),
        cache=ContentCache(None),
        facts=facts,
        deprecated=deprecated,
    )


def rows(evaluation: Evaluation) -> dict[str, str]:
    """Return what became of each file: the tag it moves to, or the reason of a skip or problem."""
    return (
        {bump.path: bump.target.tag.text for bump in evaluation.bumps}
        | {skip.path: str(skip.reason) for skip in evaluation.skipped}
        | {problem.path: problem.reason for problem in evaluation.problems}
    )


def small(folder: Path, files: Mapping[str, str | bytes], **settings: Any) -> Evaluation:
    """Evaluate a repository of its own."""
    return evaluate(ContentTree.open(make_repository(folder / "r", files).directory), settings=settings)


def test_every_item_file_becomes_one_bump_one_skip_or_one_problem(tree: ContentTree) -> None:
    found = evaluate(tree)
    assert rows(found) == {
        ONE: NEW,
        TWO: NEW,
        FIVE: NEW,
        IN: "up-to-date",
        OFF: "deprecated-item",
        CODE: "not-containerised",
        BARE: "mutable-tag",
        BAD: "invalid-yaml",
    }
    assert found.files == 8
    assert len(found.bumps) + len(found.skipped) + len(found.problems) == found.files


def test_each_kind_of_row_is_sorted_by_path(tree: ContentTree) -> None:
    found = evaluate(tree, Silence(TAGS, ["demisto/y"]))
    for paths in (
        [row.path for row in found.bumps],
        [row.path for row in found.skipped],
        [row.path for row in found.problems],
    ):
        assert len(paths) > 1
        assert paths == sorted(paths)


def test_bump_says_where_it_comes_from_and_where_it_goes(tree: ContentTree) -> None:
    bump = evaluate(tree).bumps[0]
    assert (bump.item.fields.name, bump.pack.name) == ("One", "Alpha")
    assert (bump.image.repository, str(bump.current), str(bump.target.tag)) == ("demisto/x", OLD, NEW)
    assert bump.held_back == ""


def test_skip_names_its_image_and_tag_as_they_are_written(tree: ContentTree) -> None:
    assert evaluate(tree).skipped == (
        Skipped(CODE, "Alpha", "not-containerised", "type is javascript"),
        Skipped(OFF, "Alpha", "deprecated-item", "deprecated: true", "demisto/x", OLD),
        Skipped(IN, "Beta", "up-to-date", f"{NEW} is the newest", "demisto/x", NEW),
        Skipped(BARE, "Beta", "mutable-tag", "no tag", "demisto/bare", ""),
    )


def test_image_that_the_registry_does_not_have_is_a_skip(tree: ContentTree) -> None:
    found = evaluate(tree, {"demisto/x": [OLD, NEW]})
    (skip,) = (skip for skip in found.skipped if skip.path == TWO)
    missing = "the tag file has no image demisto/y"
    assert skip == Skipped(TWO, "Alpha", "image-not-found", missing, "demisto/y", OLD)
    assert found.found["demisto/y"] == NotFound(missing)


def test_pinned_item_of_an_image_that_is_not_there_names_no_tag(tree: ContentTree) -> None:
    found = evaluate(tree, settings={"policy": {"pin_mutable_tags": True}})
    (skip,) = (skip for skip in found.skipped if skip.path == BARE)
    assert (skip.reason, skip.repository, skip.tag) == ("image-not-found", "demisto/bare", "")


def test_registry_that_does_not_answer_is_a_problem_of_its_items_alone(tree: ContentTree) -> None:
    found = evaluate(tree, Silence(TAGS, ["demisto/y"]))
    problem = Problem(TWO, "Alpha", "tags-unavailable", "demisto/y does not answer")
    assert problem in found.problems
    assert found.unknown == (problem,)
    assert found.found["demisto/y"] == Unavailable("demisto/y does not answer")
    assert (rows(found)[ONE], rows(found)[FIVE]) == (NEW, NEW)


def test_each_image_is_asked_for_once_and_only_for_items_that_may_be_updated(tree: ContentTree) -> None:
    source = Silence(TAGS)
    found = evaluate(tree, source)
    assert sorted(source.asked) == ["demisto/x", "demisto/y"]
    assert source.in_use == {"demisto/x": [OLD, NEW], "demisto/y": [OLD]}
    releases = found.found["demisto/x"]
    assert isinstance(releases, tuple)
    assert [str(release.tag) for release in releases] == [NEW, OLD]


def test_mutable_tag_is_pinned_to_the_newest_immutable_one(tree: ContentTree) -> None:
    tags = TAGS | {"demisto/bare": ["1.0.0.7", "latest"]}
    found = evaluate(tree, tags, {"policy": {"pin_mutable_tags": True}})
    (pinned,) = (bump for bump in found.bumps if bump.path == BARE)
    assert (pinned.current, str(pinned.target.tag)) == (None, "1.0.0.7")


def test_tag_that_is_younger_than_the_settings_ask_for_waits(tree: ContentTree) -> None:
    tags = TAGS | {"demisto/x": {OLD: {}, NEW: {"created": (NOW - timedelta(hours=47)).isoformat()}}}
    young = evaluate(tree, tags, {"registry": {"min_age": "2 days"}})
    (skip,) = (skip for skip in young.skipped if skip.path == ONE)
    assert (skip.reason, skip.detail) == ("too-young", f"{NEW} is 47 hours old and must be 2 days")
    assert rows(evaluate(tree, tags, {"registry": {"min_age": "47 hours"}}))[ONE] == NEW


class Undated(SnapshotSource):
    """A source that tells dates one by one."""

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        return tuple(TagRecord(record.name) for record in super().fetch_tags(repository))

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        return next(record.created for record in super().fetch_tags(repository) if record.name == tag)


def test_date_is_asked_for_where_age_matters_and_the_list_of_tags_tells_none(tree: ContentTree) -> None:
    dated = {OLD: {}, NEW: {"created": (NOW - timedelta(days=9)).isoformat()}}
    source = Undated({"demisto/x": dated, "demisto/y": {OLD: {}, NEW: {}}})
    found = evaluate(tree, source, {"registry": {"min_age": "2 days"}})
    assert (rows(found)[ONE], rows(found)[TWO]) == (NEW, "too-young")


def test_hold_keeps_the_items_that_it_is_about_and_no_others(tree: ContentTree) -> None:
    hold = {"reason": "not now", "packs": ["Alpha"], "images": ["demisto/x"], "until": "2026-06-02"}
    found = evaluate(tree, settings={"policy": {"holds": [hold]}})
    (skip,) = (skip for skip in found.skipped if skip.path == ONE)
    assert skip.detail == f"{NEW} frozen until 2026-06-02: not now"
    assert (rows(found)[ONE], rows(found)[TWO], rows(found)[FIVE]) == ("held", NEW, NEW)
    over = evaluate(tree, settings={"policy": {"holds": [hold | {"until": "2026-06-01"}]}})
    assert rows(over)[ONE] == NEW


def test_bump_to_an_older_tag_says_which_newer_one_a_hold_keeps_away(tree: ContentTree) -> None:
    hold = {"reason": "it crashes", "images": ["demisto/x"], "skip_tags": ["1.0.0.3"]}
    tags = TAGS | {"demisto/x": [OLD, NEW, "1.0.0.3"]}
    bump = evaluate(tree, tags, {"policy": {"holds": [hold]}}).bumps[0]
    assert (str(bump.target.tag), bump.held_back) == (NEW, "1.0.0.3 skipped: it crashes")


def test_hold_on_a_python_asks_what_is_inside_the_tags_of_its_items(tree: ContentTree) -> None:
    hold = {"reason": "stay", "images": ["demisto/x"], "python": "3.11"}
    tags = TAGS | {"demisto/x": [OLD, NEW, "1.0.0.3"]}
    facts = Facts({("demisto/x", NEW): "3.11.4", ("demisto/x", "1.0.0.3"): "3.12.1"})
    found = evaluate(tree, tags, {"policy": {"holds": [hold]}}, facts=facts)
    assert (rows(found)[ONE], rows(found)[TWO]) == (NEW, NEW)


def test_nothing_is_decided_while_what_is_inside_a_tag_cannot_be_asked(tree: ContentTree) -> None:
    hold = {"reason": "stay", "images": ["demisto/x"], "packs": ["Alpha"], "python": "3.11"}
    found = evaluate(tree, settings={"policy": {"holds": [hold]}}, facts=Facts({}))
    assert Problem(ONE, "Alpha", "tags-unavailable", f"no page of demisto/x:{NEW} today") in found.problems
    assert rows(found)[FIVE] == NEW


def test_deprecated_image_is_skipped_unless_the_settings_say_to_update_it(tree: ContentTree) -> None:
    deprecated = {"demisto/x": DeprecatedImage("demisto/x", "old", "demisto/new")}
    found = evaluate(tree, deprecated=deprecated)
    (skip,) = (skip for skip in found.skipped if skip.path == ONE)
    assert skip.detail == "demisto/x is deprecated; use demisto/new instead"
    settings = {"policy": {"deprecated_images": "update"}}
    assert rows(evaluate(tree, settings=settings, deprecated=deprecated))[ONE] == NEW


def test_policy_is_that_of_the_settings_with_the_deprecated_images() -> None:
    deprecated = {"demisto/x": DeprecatedImage("demisto/x", "old", "")}
    settings = Settings.model_validate({"policy": {"support": ["partner"]}})
    assert choose_policy(settings, deprecated).support == ("partner",)
    assert choose_policy(settings, deprecated).deprecated == deprecated


def test_key_that_the_platform_does_not_read_is_noticed_whatever_becomes_of_its_item(
    tree: ContentTree,
) -> None:
    detail = "autoUpdateDockerImage stands under script:, where the platform does not read it"
    assert evaluate(tree).notices == (Notice(IN, detail),)


def test_progress_hears_of_every_item_and_every_image(tree: ContentTree) -> None:
    steps = Steps()
    evaluate_content(
        tree,
        SnapshotSource(TAGS),
        Settings(),
        Filters(),
        now=NOW,
        progress=steps,
        cache=ContentCache(None),
    )
    assert steps.begun == [("Reading items", 8), ("Asking for tags", 2)]
    assert steps.steps == 10


def test_what_was_read_is_remembered_in_the_cache(tree: ContentTree, tmp_path: Path) -> None:
    cache = ContentCache(tmp_path)
    evaluate_content(
        tree, SnapshotSource(TAGS), Settings(), Filters(), now=NOW, progress=Silent(), cache=cache
    )
    blobs = [entry.blob for entry in tree.list_files() if entry.path == ONE]
    assert list(cache.find_items("script", blobs)) == blobs


@pytest.mark.parametrize(
    ("metadata", "line", "column", "detail"),
    [
        (
            b'{\n "currentVersion": "1.0"}',
            2,
            20,
            'pack_metadata.json: currentVersion is "1.0", not three numbers like 1.0.3',
        ),
        (b"{", 1, 2, "pack_metadata.json: not valid JSON: Expecting value"),
    ],
)
def test_pack_whose_version_cannot_be_moved_is_a_problem_at_its_place(
    tmp_path: Path, metadata: bytes, line: int, column: int, detail: str
) -> None:
    files: dict[str, str | bytes] = {**script_pack("A", {"One": f"demisto/x:{OLD}"})}
    files["Packs/A/pack_metadata.json"] = metadata
    (problem,) = small(tmp_path, files).problems
    place = (line, column, "Packs/A/pack_metadata.json")
    path = "Packs/A/Scripts/One/One.yml"
    assert problem == Problem(path, "A", "invalid-pack-metadata", detail, *place)


def test_pack_without_a_usable_version_is_updated_when_no_release_note_is_written(tmp_path: Path) -> None:
    files = script_pack("A", {"One": f"demisto/x:{OLD}"}, version="1.0")
    found = small(tmp_path, files, pull_requests={"release_notes": False})
    assert list(rows(found).values()) == [NEW]


def test_release_notes_that_are_no_folder_are_in_the_way_of_release_notes_only(tmp_path: Path) -> None:
    files = script_pack("A", {"One": f"demisto/x:{OLD}"}) | {"Packs/A/ReleaseNotes": "a file"}
    tree = ContentTree.open(make_repository(tmp_path / "r", files).directory)
    path = "Packs/A/Scripts/One/One.yml"
    detail = "ReleaseNotes of its pack is no folder"
    assert evaluate(tree).problems == (Problem(path, "A", "unsafe-edit", detail),)
    without = evaluate(tree, settings={"pull_requests": {"release_notes": False}})
    assert rows(without) == {path: NEW}


def test_image_that_cannot_be_replaced_alone_is_a_problem(tmp_path: Path) -> None:
    files = script_pack("A", {"One": f"&image demisto/x:{OLD}"})
    path = "Packs/A/Scripts/One/One.yml"
    files[path] += "comment: *image\n"
    detail = "an alias elsewhere in the file refers to this value"
    assert small(tmp_path, files).problems == (Problem(path, "A", "unsafe-edit", detail),)


@pytest.mark.parametrize("name", ["", ' "two\\nlines"'])
def test_item_without_a_name_of_one_line_is_a_problem(tmp_path: Path, name: str) -> None:
    files = script_pack("A", {"One": f"demisto/x:{OLD}"})
    path = "Packs/A/Scripts/One/One.yml"
    files[path] = files[path].replace(" One", name)
    detail = "its release note needs a display or name of one line"
    assert small(tmp_path, files).problems == (Problem(path, "A", "invalid-item", detail),)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(packs=("Beta",)), {BARE, FIVE, IN}),
        (Filters(packs=("Alpha", "Beta"), paths=("*/Five.yml",)), {FIVE}),
        (Filters(paths=("Packs/Alpha/*/O*.yml", "*/In.yml")), {ONE, OFF, IN}),
        (Filters(images=("demisto/x",)), {ONE, OFF, FIVE, IN}),
        (Filters(images=("demisto/y",), paths=("*/T*", "*/O*")), {TWO}),
        (Filters(images=("demisto/x",), packs=("Beta",)), {FIVE, IN}),
        (Filters(packs=("Alpha",)), {ONE, TWO, OFF, CODE, BAD}),
    ],
)
def test_files_outside_the_filters_get_no_row(
    tree: ContentTree, filters: Filters, expected: set[str]
) -> None:
    found = evaluate(tree, filters=filters)
    assert set(rows(found)) == expected
    assert found.files == len(expected)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (Filters(packs=("Alfa",)), "no item has the pack 'Alfa'; did you mean Alpha?"),
        (Filters(packs=("Alpha", "Zzz")), "no item has the pack 'Zzz'"),
        (Filters(images=("demisto/xx",)), "no item has the image 'demisto/xx'; did you mean demisto/x?"),
        (
            Filters(paths=("*/One.yml", "packs/*")),
            "no item's path matches 'packs/*'; * matches / too, letter case counts",
        ),
        (
            Filters(packs=("Beta",), images=("demisto/y",)),
            "no item has the image 'demisto/y'; did you mean demisto/x?",
        ),
        (Filters(images=("boto",)), "no item has the image 'boto'"),
    ],
)
def test_filter_that_matches_nothing_is_refused(tree: ContentTree, filters: Filters, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        evaluate(tree, filters=filters)
    assert str(refused.value) == message


def marker(image: str = "demisto/x", packs: Sequence[str] = ("A", "B"), paths: Sequence[str] = ()) -> Marker:
    return Marker(image, NEW, "", tuple(packs), tuple(paths), "base")


@pytest.mark.parametrize(
    ("filters", "included", "left_out"),
    [
        (Filters(), marker(), None),
        (Filters(images=("demisto/x",)), marker("docker.io/demisto/x"), marker("demisto/y")),
        (Filters(packs=("A", "B", "C")), marker(), marker(packs=("A", "D"))),
        (Filters(paths=("a*", "b")), marker(paths=("a1", "b")), marker(paths=("a1", "c"))),
        (Filters(paths=("*",)), marker(paths=("a",)), marker(paths=())),
        (
            Filters(paths=("a",), packs=("A",), images=("demisto/x",)),
            marker(packs=("A",), paths=("a",)),
            marker(packs=("B",), paths=("a",)),
        ),
    ],
)
def test_pull_request_takes_part_if_all_of_it_passes_the_filters(
    filters: Filters, included: Marker, left_out: Marker | None
) -> None:
    assert filters.include(included)
    assert left_out is None or not filters.include(left_out)


def test_path_and_image_pass_where_nothing_is_filtered() -> None:
    assert Filters() == Filters((), (), ())
    assert Filters().include_path("any")
    assert Filters().include_image("demisto/any")
    assert Filters(paths=("A*", "b")).include_path("Ab")
    assert not Filters(paths=("A*", "b")).include_path("ab")
    assert not Filters(images=("demisto/x",)).include_image("demisto/any")


def test_settings_are_compared_with_every_item_and_its_image(tree: ContentTree, tmp_path: Path) -> None:
    settings = Settings.model_validate({"registry": {"cache": str(tmp_path)}})
    used = {item.path: image for item, image in read_used_items(tree, settings)}
    assert used == {
        ONE: "demisto/x",
        TWO: "demisto/y",
        OFF: "demisto/x",
        CODE: "",
        BARE: "demisto/bare",
        FIVE: "demisto/x",
        IN: "demisto/x",
    }
    assert list(tmp_path.rglob("facts.sqlite"))
