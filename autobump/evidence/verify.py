"""Runs items in the old and the new image of their update, and says what differs."""

import logging
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence
from autobump.decisions.level import Level
from autobump.evidence.compare import Observation, compare, not_run
from autobump.evidence.engine import Engine, EngineError
from autobump.evidence.program import Program, Surroundings, read_programs
from autobump.evidence.run import RunOptions, run_programs
from autobump.evidence.store import ObservationKey, ObservationStore
from autobump.support.progress import Progress

_log = logging.getLogger(__name__)
_STAND_INS = "with stand-ins for CommonServerPython"


class RunnableImage(Struct, frozen=True):
    """An image to run items in.

    Attributes:
        address: What the engine pulls: registry, path, and digest or tag.
        digest: What names its contents; the address when no digest is known, since tags are immutable.
        plain_http: Whether its registry speaks HTTP without TLS.
        size: Compressed size in bytes, where it is known.
    """

    address: str
    digest: str
    plain_http: bool = False
    size: int | None = None


Images = Mapping[tuple[str, str], RunnableImage]
"""Images by name and tag."""


class Verifier(Struct):
    """Verifies updates, and remembers for one pass what it saw.

    Attributes:
        tree: The commit that the items were read from.
        level: How much of an item is run.
        find_engine: Returns the engine, or None when nothing may be run; called when something must be.
        store: What was seen before.
        options: How containers are run.
        max_pull: At most so many bytes are pulled in one pass.
        progress: Told how far it is.
    """

    tree: ContentTree
    level: Level
    find_engine: Callable[[], Engine | None]
    store: ObservationStore
    options: RunOptions
    max_pull: int
    progress: Progress
    _pulled: int = 0
    _images: dict[RunnableImage, Engine] = field(default_factory=dict)

    def verify(self, bumps: Iterable[Bump], images: Images) -> dict[str, Evidence]:
        """Return the evidence of updates, by path; those that nothing is known of are missing.

        Args:
            bumps: The updates.
            images: Where their images are pulled from; one that is not here is not run.
        """
        wanted = [bump for bump in bumps if all(key in images for key in bump.tags)]
        surroundings, programs = read_programs(
            self.tree, (bump.item for bump in wanted), with_tests=self.level is Level.TESTS
        )
        pairs = {bump.path: (images[old], images[new]) for bump in wanted for old, new in [bump.tags]}
        runnable = {path: one for path, one in programs.items() if isinstance(one, Program)}
        keys = {
            path: {image: self._keys(program, image) for image in pairs[path]}
            for path, program in runnable.items()
        }
        every = [key for images in keys.values() for wanted in images.values() for key in wanted]
        seen = self.store.find(every)
        missing = {
            path: lacking
            for path, images in keys.items()
            if (lacking := tuple(image for image, wanted in images.items() if not seen.keys() >= set(wanted)))
        }
        excuses = self._run(surroundings, runnable, missing) if missing else {}
        seen = self.store.find(every)
        note = _STAND_INS if surroundings.lacks_platform else ""
        found: dict[str, Evidence] = {}
        for path, program in programs.items():
            if isinstance(program, str):
                found[path] = compare(not_run(program), not_run(program), self.level)
                continue
            both = [self._observation(program, image, seen) for image in pairs[path]]
            if None in both:
                if path in excuses:
                    found[path] = compare(not_run(excuses[path]), not_run(excuses[path]), self.level)
                continue
            old, new = (one for one in both if one is not None)
            found[path] = compare(old, new, self.level, note)
        return found

    def close(self) -> None:
        """Remove the images that were pulled; those that were on this machine before stay."""
        for image, engine in self._images.items():
            engine.remove(image.address)
        self._images.clear()

    def _levels(self, program: Program) -> tuple[Level, ...]:
        return (Level.LOAD, Level.TESTS) if self.level is Level.TESTS and program.tests else (Level.LOAD,)

    def _keys(self, program: Program, image: RunnableImage) -> list[ObservationKey]:
        return [ObservationKey(program.key, image.digest, level) for level in self._levels(program)]

    def _observation(
        self, program: Program, image: RunnableImage, seen: Mapping[ObservationKey, Observation]
    ) -> Observation | None:
        loaded = seen.get(ObservationKey(program.key, image.digest, Level.LOAD))
        tested = seen.get(ObservationKey(program.key, image.digest, Level.TESTS))
        return {**loaded, "tests": tested} if loaded is not None and tested is not None else loaded

    def _run(
        self,
        surroundings: Surroundings,
        programs: Mapping[str, Program],
        missing: Mapping[str, tuple[RunnableImage, ...]],
    ) -> dict[str, str]:
        """Run items in the images that they were not seen in, and say why some could not be, by path."""
        try:
            engine = self.find_engine()
        except EngineError as exc:
            _log.warning("no item is run", extra={"cause": str(exc)})
            return dict.fromkeys(missing, str(exc))
        if engine is None:
            return {}
        by_images: dict[tuple[RunnableImage, ...], list[str]] = {}
        for path, lacking in missing.items():
            by_images.setdefault(lacking, []).append(path)
        engine.remove_abandoned()
        excuses: dict[str, str] = {}
        jobs: dict[RunnableImage, dict[str, Program]] = {}
        # The largest work first: what does not fit into the bounds any more is then small.
        ordered = sorted(by_images.items(), key=lambda one: (-len(one[1]), one[0][-1].address))
        self.progress.begin("Pulling", len(ordered))
        for images, paths in ordered:
            if why := self._pull(engine, images):
                excuses |= dict.fromkeys(paths, why)
            else:
                for image in images:
                    jobs.setdefault(image, {}).update((programs[path].key, programs[path]) for path in paths)
            self.progress.step()
        known = self.store.find(
            ObservationKey(program, image.digest, level)
            for image, wanted in jobs.items()
            for program in wanted
            for level in Level
        )
        tasks = [
            (
                image.address,
                {
                    level: [
                        program
                        for program in wanted.values()
                        if level in self._levels(program)
                        and ObservationKey(program.key, image.digest, level) not in known
                    ]
                    for level in Level
                },
            )
            for image, wanted in jobs.items()
        ]
        digests = {image.address: image.digest for image in jobs}
        self.progress.begin("Running items", sum(len(one) for _, task in tasks for one in task.values()))
        for address, level, program, observation in run_programs(
            engine, surroundings, tasks, self.options, self.progress
        ):
            self.store.add({ObservationKey(program, digests[address], level): observation})
        return excuses

    def _pull(self, engine: Engine, images: Iterable[RunnableImage]) -> str:
        """Bring images to this machine, and say why that is not to be, or nothing."""
        try:
            absent = [image for image in images if not engine.has(image.address)]
            known = sum(image.size or 0 for image in absent)
            if self._pulled + known > self.max_pull or (absent and self._pulled >= self.max_pull):
                return "verify.max_pull is reached"
            for image in absent:
                engine.pull(image.address, plain_http=image.plain_http)
                self._images[image] = engine
                self._pulled += image.size or engine.describe(image.address)[1]
        except EngineError as exc:
            return str(exc)
        return ""
