import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from autobump.content.cache import ContentCache
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.evidence import run as run_module
from autobump.evidence.engine import Bounds, Engine, EngineError, find_engine
from autobump.evidence.run import RunOptions
from autobump.evidence.store import ObservationStore
from autobump.evidence.verify import RunnableImage, Verifier
from autobump.evidence.wheels import NoWheelsError
from autobump.support.progress import Silent
from tests.fixtures.bumps import make_bump
from tests.fixtures.fake_engine import FakeEngine, make_engine
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata

OLD, NEW, NEWER = "1.0.0.1", "1.0.0.2", "1.0.0.3"
STAND_INS = "with stand-ins for CommonServerPython"
BASE = {"Packs/Base/Scripts/CommonServerPython/CommonServerPython.py": "shared = 1\n"}
MIB = 1 << 20


def address(tag: str, image: str = "python3") -> str:
    return f"registry.example/demisto/{image}@sha256:{tag}"


def image_of(tag: str, image: str = "python3", size: int | None = 1_000) -> RunnableImage:
    return RunnableImage(address(tag, image), f"sha256:{image}:{tag}", size=size)


@dataclass
class Items:
    """A repository with one pack of scripts, and what verifies them.

    Attributes:
        folder: Where it is made.
        codes: The code of each script by name.
        files: More files.
        level: How much is run.
        max_pull: The bound of pulls.
        find: Finds the engine.
    """

    folder: Path
    codes: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=lambda: BASE)
    level: Level = Level.LOAD
    max_pull: int = 1 << 30
    find: Callable[[], Engine | None] = lambda: find_engine("docker")

    def __post_init__(self) -> None:
        files = {"Packs/A/pack_metadata.json": pack_metadata(), **self.files}
        for name, code in self.codes.items():
            files[f"Packs/A/Scripts/{name}/{name}.yml"] = item_yaml(name=name)
            files[f"Packs/A/Scripts/{name}/{name}.py"] = code
        self.tree = ContentTree.open(make_repository(self.folder / "content", files).directory)
        content = read_content(self.tree, packs=["A"], progress=Silent(), cache=ContentCache(None))
        self.items = {item.fields.name: item for item in content.items}

    def bump(self, name: str, target: str = NEW, image: str = "python3") -> Bump:
        bump = make_bump("A", name, image=f"demisto/{image}", current=OLD, target=target)
        return replace(bump, item=self.items[name])

    def verifier(self) -> Verifier:
        """Return what verifies in one pass; the next remembers what it saw."""
        options = RunOptions(Bounds(), 10, 1, self.folder / "wheels")
        store = ObservationStore(self.folder / "cache")
        return Verifier(self.tree, self.level, self.find, store, options, self.max_pull, Silent())

    def verify(
        self, *bumps: Bump, sizes: Mapping[str, int | None] | None = None, verifier: Verifier | None = None
    ) -> dict[str, Evidence]:
        """Verify updates, of all items when none is named; return the evidence by name."""
        wanted = bumps or tuple(self.bump(name) for name in self.items)
        images = {}
        for bump in wanted:
            name = bump.image.repository.removeprefix("demisto/")
            for key in bump.tags:
                images[key] = image_of(key[1], name, (sizes or {}).get(address(key[1], name), 1_000))
        used = verifier or self.verifier()
        with closing(used):
            found = used.verify(wanted, images)
        return {path.split("/")[3]: one for path, one in found.items()}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return make_engine(tmp_path / "bin", monkeypatch)


def told(found: Mapping[str, Evidence]) -> dict[str, str]:
    return {name: one.verdict.value for name, one in found.items()}


RAISED = {"outcome": "raised", "message": "NameError: x", "line": 2}


def test_items_run_in_both_images_and_what_differs_is_told(fake: FakeEngine, tmp_path: Path) -> None:
    fake.tell(does={address(NEW): {"bad": RAISED}, address(OLD): {"ill": RAISED}})
    found = Items(tmp_path, {"Bad": "bad", "Good": "good", "Ill": "ill"}).verify()
    assert found == {
        "Bad": Evidence(Level.LOAD, Verdict.BREAKS, "NameError: x (line 2)"),
        "Good": Evidence(Level.LOAD, Verdict.SAME),
        "Ill": Evidence(Level.LOAD, Verdict.MENDS, "NameError: x (line 2)"),
    }
    assert sorted(fake.runs) == [address(OLD), address(NEW)]


def test_runner_itself_executes_what_an_item_is(fake: FakeEngine, tmp_path: Path) -> None:
    fake.tell(runs_code=True)
    codes = {"Good": "import json\nx = shared + 1\n", "Same": "x = 1\nraise ValueError('no')\n"}
    assert Items(tmp_path, codes).verify() == {
        "Good": Evidence(Level.LOAD, Verdict.SAME),
        "Same": Evidence(
            Level.LOAD, Verdict.INCONCLUSIVE, "it fails alike in both images: ValueError: no (line 2)"
        ),
    }


def test_stand_ins_are_told(fake: FakeEngine, tmp_path: Path) -> None:
    assert Items(tmp_path, {"Good": "good"}, files={}).verify() == {
        "Good": Evidence(Level.LOAD, Verdict.SAME, STAND_INS)
    }


def test_item_without_code_to_run_needs_no_engine(tmp_path: Path) -> None:
    items = Items(tmp_path, {"None": ""}, find=lambda: pytest.fail("nothing is to be run"))
    assert items.verify() == {"None": Evidence(Level.LOAD, Verdict.NOT_RUN, "it has no code")}


def test_second_pass_runs_nothing(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one", "Two": "two"})
    first = items.verify()
    items.find = lambda: pytest.fail("nothing is to be run")
    fake.forget_calls()
    assert items.verify() == first
    assert fake.calls == []


def test_newer_target_runs_in_the_new_image_alone(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one"})
    items.verify()
    fake.forget_calls()
    assert told(items.verify(items.bump("One", NEWER))) == {"One": "same"}
    assert (fake.called("pull"), fake.runs) == ([address(NEWER)], [address(NEWER)])


def test_changed_code_alone_runs_again(fake: FakeEngine, tmp_path: Path) -> None:
    Items(tmp_path, {"One": "one", "Two": "two"}).verify()
    fake.forget_calls()
    fake.tell(does={address(NEW): {"two": RAISED, "three": RAISED}})
    changed = Items(tmp_path, {"One": "three", "Two": "two"})
    assert told(changed.verify()) == {"One": "breaks", "Two": "same"}


def test_copies_of_an_item_run_once(fake: FakeEngine, tmp_path: Path) -> None:
    fake.tell(does={address(NEW): {"same code": RAISED}})
    assert told(Items(tmp_path, {"One": "same code", "Two": "same code"}).verify()) == {
        "One": "breaks",
        "Two": "breaks",
    }


def test_timeout_is_tried_again_in_the_next_pass(fake: FakeEngine, tmp_path: Path) -> None:
    fake.tell(does={address(NEW): {"one": {"outcome": "timeout"}}})
    items = Items(tmp_path, {"One": "one"})
    assert told(items.verify()) == {"One": "inconclusive"}
    fake.tell(does={})
    fake.forget_calls()
    assert told(items.verify()) == {"One": "same"}
    assert fake.runs == [address(NEW)]


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong with the machine or an image, and what is told of it.

    Attributes:
        answers: How the engine answers.
        detail: What the evidence says.
    """

    answers: Mapping[str, object]
    detail: str


DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
TROUBLES = {
    "engine that does not run": Trouble(
        {"fails": {"version": DAEMON}},
        "docker cannot be used: it does not run; start it, or name another with verify.engine",
    ),
    "engine without permission": Trouble(
        {"fails": {"version": "permission denied while trying to connect to the Docker daemon socket"}},
        "docker cannot be used: this user may not use it; add it to the group docker",
    ),
    "image that is not there": Trouble(
        {"pulls": {address(OLD): "Error: manifest unknown"}},
        f"docker cannot pull {address(OLD)}: the registry has no such image",
    ),
    "image that wants a login": Trouble(
        {"pulls": {address(NEW): "unauthorized: authentication required"}},
        f"docker cannot pull {address(NEW)}: the registry wants a login; see docker login or podman login",
    ),
    "full disk": Trouble(
        {"pulls": {address(NEW): "failed to register layer:\nwrite /usr/x: no space left on device"}},
        f"docker cannot pull {address(NEW)}: the disk is full; free space, or lower verify.max_pull",
    ),
    "image of another architecture": Trouble(
        {"pulls": {address(OLD): "no matching manifest for linux/arm64/v8 in the manifest list entries"}},
        f"docker cannot pull {address(OLD)}: there is no image for this machine's architecture",
    ),
    "image that runs on another machine": Trouble(
        {"starts": {address(OLD): "exec /usr/bin/python: exec format error"}},
        f"docker cannot start {address(OLD)}: the image is made for another architecture than this machine's",
    ),
    "image without Python": Trouble(
        {"starts": {address(NEW): 'exec: "python": executable file not found in $PATH: unknown.'}},
        f"docker cannot start {address(NEW)}: the image has no python in its PATH",
    ),
    "image with an odd Python": Trouble(
        {"hello": {"type": "ready", "python": "new"}},
        f"the python of {address(OLD)} is not one that autobump knows",
    ),
    "what all share ends the runner": Trouble(
        {"does": {address(NEW): {"prelude": "dies"}}},
        f"the container of {address(NEW)} ended without an answer",
    ),
    "engine that lists no image": Trouble(
        {"fails": {"image": DAEMON, "pull": DAEMON}},
        f"docker cannot pull {address(OLD)}: it does not run; start it, or name another with verify.engine",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_is_one_line_and_no_item_is_run(fake: FakeEngine, tmp_path: Path, name: str) -> None:
    trouble = TROUBLES[name]
    fake.tell(**trouble.answers)
    evidence = Evidence(Level.LOAD, Verdict.NOT_RUN, trouble.detail)
    assert Items(tmp_path, {"One": "one", "Two": "two"}).verify() == {"One": evidence, "Two": evidence}
    assert fake.images == set()


def test_trouble_ends_with_its_cause(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one"})
    fake.tell(starts={address(NEW): "exec format error"})
    assert told(items.verify()) == {"One": "not-run"}
    fake.tell(starts={})
    fake.forget_calls()
    assert told(items.verify()) == {"One": "same"}
    assert fake.runs == [address(NEW)]


def test_machine_without_an_engine_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    def find() -> Engine:
        return find_engine("auto", lambda _: None)

    found = Items(tmp_path, {"One": "one", "Two": "two"}, find=find).verify()
    why = "there is no docker or podman on this machine; install one"
    assert found == dict.fromkeys(("One", "Two"), Evidence(Level.LOAD, Verdict.NOT_RUN, why))
    assert [record.message for record in caplog.records] == ["no item is run"]


def test_without_leave_to_run_only_what_is_known_is_told(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one", "Two": "two"})
    items.verify(items.bump("One"))
    items.find = lambda: None
    assert told(items.verify()) == {"One": "same"}


def test_image_whose_place_is_not_known_is_left_out(tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one"})
    assert items.verifier().verify([items.bump("One")], {}) == {}


def test_item_that_ends_its_container_ends_no_other(fake: FakeEngine, tmp_path: Path) -> None:
    fake.tell(does={address(NEW): {"bad": "dies"}})
    found = Items(tmp_path, {"A": "a", "Bad": "bad", "C": "c"}).verify()
    assert told(found) == {"A": "same", "Bad": "inconclusive", "C": "same"}
    assert found["Bad"].detail == "its container ended in the new image"
    assert fake.runs.count(address(NEW)) == 2


def test_image_whose_containers_end_three_times_is_given_up(fake: FakeEngine, tmp_path: Path) -> None:
    names = "ABCDE"
    fake.tell(does={address(NEW): dict.fromkeys(names.lower(), "dies")})
    found = Items(tmp_path, {name: name.lower() for name in names}).verify()
    why = Evidence(Level.LOAD, Verdict.NOT_RUN, f"containers of {address(NEW)} end again and again")
    assert told(found) == {
        **dict.fromkeys("ABC", "inconclusive"),
        **dict.fromkeys("DE", "not-run"),
    }
    assert found["D"] == found["E"] == why
    assert fake.runs.count(address(NEW)) == 3


def test_containers_that_end_now_and_then_are_not_given_up(fake: FakeEngine, tmp_path: Path) -> None:
    fake.tell(does={address(NEW): dict.fromkeys("aceg", "dies")})
    found = Items(tmp_path, {name.upper(): name for name in "abcdefgh"}).verify()
    assert told(found) == {**dict.fromkeys("ACEG", "inconclusive"), **dict.fromkeys("BDFH", "same")}


def test_images_with_most_items_are_pulled_first(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {name: name for name in ("a1", "b1", "b2", "b3", "c1", "c2")})
    items.verify(*(items.bump(name, image=f"image-{name[0]}") for name in items.items))
    assert fake.called("pull") == [
        address(tag, f"image-{name}") for name in ("b", "c", "a") for tag in (OLD, NEW)
    ]


def test_image_that_two_updates_share_is_pulled_once(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one", "Two": "two", "Three": "three"})
    items.verify(items.bump("One", NEW), items.bump("Two", NEW), items.bump("Three", NEWER))
    assert fake.called("pull") == [address(OLD), address(NEW), address(NEWER)]
    assert fake.called("rmi") == fake.called("pull")


def test_pulls_stop_at_the_bound(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"a1": "1", "a2": "2", "b1": "3", "c1": "4"}, max_pull=25 * MIB)
    bumps = [items.bump(name, image=f"image-{name[0]}") for name in items.items]
    sizes = {
        address(tag, f"image-{name}"): size * MIB
        for name, size in (("a", 10), ("b", 3), ("c", 2))
        for tag in (OLD, NEW)
    }
    found = items.verify(*bumps, sizes=sizes)
    assert told(found) == {"a1": "same", "a2": "same", "b1": "not-run", "c1": "same"}
    assert found["b1"].detail == "verify.max_pull is reached"


def test_size_that_nobody_told_is_asked_of_the_engine(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"a1": "1", "a2": "2", "b1": "3"}, max_pull=20 * MIB)
    bumps = [items.bump(name, image=f"image-{name[0]}") for name in items.items]
    large = {address(tag, "image-a"): 10 * MIB for tag in (OLD, NEW)}
    fake.tell(sizes=large)
    nobody = {address(tag, f"image-{name}"): None for name in "ab" for tag in (OLD, NEW)}
    assert told(items.verify(*bumps, sizes=nobody)) == {"a1": "same", "a2": "same", "b1": "not-run"}


def test_bound_of_pulls_holds_for_the_whole_pass(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "1", "Two": "2"}, max_pull=2 * MIB)
    verifier = items.verifier()
    sizes = {address(tag): MIB for tag in (OLD, NEW, NEWER)}
    assert told(items.verify(items.bump("One"), sizes=sizes, verifier=verifier)) == {"One": "same"}
    later = items.verify(items.bump("Two", NEWER), sizes=sizes, verifier=verifier)
    assert told(later) == {"Two": "not-run"}


def test_images_that_are_here_already_count_nothing_and_stay(fake: FakeEngine, tmp_path: Path) -> None:
    fake.add_images([address(OLD)])
    items = Items(tmp_path, {"One": "1"}, max_pull=MIB)
    assert told(items.verify(sizes={address(OLD): 10 * MIB, address(NEW): MIB})) == {"One": "same"}
    assert (fake.called("pull"), fake.called("rmi")) == ([address(NEW)], [address(NEW)])
    assert fake.images == {address(OLD)}


class Interrupting(Silent):
    """Is interrupted when the first item has run."""

    def begin(self, task: str, total: int) -> None:
        self.task = task

    def step(self) -> None:
        if self.task == "Running items":
            raise KeyboardInterrupt


def test_pulled_images_are_removed_when_the_pass_is_interrupted(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one", "Two": "two"})
    verifier = replace(items.verifier(), progress=Interrupting())
    with pytest.raises(KeyboardInterrupt):
        items.verify(verifier=verifier)
    assert fake.images == set()


def test_what_ran_before_an_interruption_is_remembered(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one", "Two": "two"})

    class Later(Interrupting):
        steps = 0

        def step(self) -> None:
            if self.task == "Running items":
                self.steps += 1
                if self.steps == 3:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        items.verify(verifier=replace(items.verifier(), progress=Later()))
    fake.forget_calls()
    assert told(items.verify()) == {"One": "same", "Two": "same"}
    assert fake.runs == [address(NEW)]


def test_abandoned_containers_are_removed_before_anything_runs(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobump.evidence.engine._is_gone", lambda name: name == "autobump-x-1-1")
    fake.tell(containers=["autobump-x-1-1", "autobump-x-2-1"])
    Items(tmp_path, {"One": "one"}).verify()
    assert fake.called("rm") == ["autobump-x-1-1"]
    assert [call[0] for call in fake.calls].index("rm") < [call[0] for call in fake.calls].index("pull")


TEST_FILE = {**BASE, "Packs/A/Scripts/One/One_test.py": "def test_a(): pass\n"}


def test_unit_tests_run_with_packages_that_the_container_can_only_read(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[int, ...], str]] = []

    def fetch(python: tuple[int, ...], implementation: str, folder: Path) -> Path:
        asked.append((python, implementation))
        return folder / "cp311"

    monkeypatch.setattr(run_module, "fetch_wheels", fetch)
    fake.tell(does={address(NEW): {"tests": {"outcome": "ran", "tests": {"a": ["failed", "assert 1 == 2"]}}}})
    items = Items(tmp_path, {"One": "one", "Two": "two"}, files=TEST_FILE, level=Level.TESTS)
    assert items.verify() == {
        "One": Evidence(Level.TESTS, Verdict.BREAKS, "a: assert 1 == 2"),
        "Two": Evidence(Level.LOAD, Verdict.SAME),
    }
    assert asked == [((3, 11, 2), "CPython")] * 2
    mounts = [call[call.index("--volume") + 1] for call in fake.calls if "--volume" in call]
    assert mounts == [f"{tmp_path}/wheels/cp311:/wheels:ro"] * 2


def test_unit_tests_whose_packages_are_not_to_be_had_say_nothing(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object) -> Path:
        raise NoWheelsError("no network")

    monkeypatch.setattr(run_module, "fetch_wheels", fetch)
    items = Items(tmp_path, {"One": "one"}, files=TEST_FILE, level=Level.TESTS)
    why = "its tests say nothing: the packages for tests are not to be had: no network"
    assert items.verify() == {"One": Evidence(Level.LOAD, Verdict.SAME, why)}


def test_fault_of_autobump_itself_is_not_hidden(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_module, "Container", fault)
    with pytest.raises(ZeroDivisionError):
        Items(tmp_path, {"One": "one"}).verify()
    assert fake.images == set()


def test_engine_that_fails_later_than_its_check_is_told(fake: FakeEngine, tmp_path: Path) -> None:
    def find() -> Engine:
        raise EngineError("docker cannot be used: it is broken")

    found = Items(tmp_path, {"One": "one"}, find=find).verify()
    assert found == {"One": Evidence(Level.LOAD, Verdict.NOT_RUN, "docker cannot be used: it is broken")}


def test_images_stay_until_the_pass_has_no_more_questions(fake: FakeEngine, tmp_path: Path) -> None:
    items = Items(tmp_path, {"One": "one", "Two": "two"})
    verifier = items.verifier()
    for name in ("One", "Two"):
        bump = items.bump(name)
        verifier.verify([bump], {key: image_of(key[1], "python3", 1_000) for key in bump.tags})
    assert (len(fake.called("pull")), len(fake.called("rmi"))) == (2, 0)
    verifier.close()
    assert len(fake.called("rmi")) == 2
