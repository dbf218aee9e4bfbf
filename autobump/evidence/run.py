"""Runs programs in containers: one container for each image, some of them at the same time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from msgspec import Struct

from autobump.decisions.level import Level
from autobump.evidence.compare import Observation, not_run
from autobump.evidence.container import Container, ContainerLostError
from autobump.evidence.engine import Bounds, Engine, EngineError
from autobump.evidence.program import Program, Surroundings
from autobump.evidence.wheels import NoWheelsError, fetch_wheels
from autobump.support.progress import Progress

_MOST_LOSSES = 3
"""After so many containers that ended one after the other, an image is not tried again."""

Tasks = Sequence[tuple[str, Mapping[Level, Sequence[Program]]]]
"""Images on this machine, and what is run in each."""

Seen = tuple[str, Level, str, Observation]
"""Image, level, key of the program, and what it did."""


class RunOptions(Struct, frozen=True):
    """How items are run.

    Attributes:
        bounds: What a container may use.
        seconds: How long an item may take.
        containers: At most so many at the same time.
        wheels: Where packages for unit tests are kept.
    """

    bounds: Bounds
    seconds: float
    containers: int
    wheels: Path


def run_programs(
    engine: Engine, surroundings: Surroundings, tasks: Tasks, options: RunOptions, progress: Progress
) -> Iterator[Seen]:
    """Yield what each program did, as soon as it is known.

    Args:
        engine: Starts containers.
        surroundings: What the programs share.
        tasks: What is run in each image.
        options: How.
        progress: Told of each program.

    All containers have ended when this ends, however it ends.
    """
    seen: SimpleQueue[Seen | BaseException | None] = SimpleQueue()
    stop = Event()
    workers = [
        _ImageRun(engine, surroundings, image, wanted, options, seen.put, stop) for image, wanted in tasks
    ]
    with ThreadPoolExecutor(options.containers) as pool:
        try:
            for worker in workers:
                pool.submit(worker.run_all).add_done_callback(lambda done: seen.put(done.exception()))
            running = len(workers)
            while running:
                match seen.get():
                    case None:
                        running -= 1
                    case BaseException() as exc:
                        raise exc
                    case found:
                        progress.step()
                        yield found
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.close()


class _ImageRun:
    """Runs programs in one image."""

    def __init__(
        self,
        engine: Engine,
        surroundings: Surroundings,
        image: str,
        wanted: Mapping[Level, Sequence[Program]],
        options: RunOptions,
        tell: Callable[[Seen], None],
        stop: Event,
    ) -> None:
        self._engine = engine
        self._surroundings = surroundings
        self._image = image
        self._wanted = wanted
        self._options = options
        self._tell = tell
        self._stop = stop
        self._container: Container | None = None
        self._why = ""
        self._losses = 0

    def run_all(self) -> None:
        """Run everything, and tell what each program did."""
        try:
            for program in self._wanted[Level.LOAD]:
                self._tell((self._image, Level.LOAD, program.key, self._load(program)))
            for program in self._wanted[Level.TESTS]:
                self._tell((self._image, Level.TESTS, program.key, self._test(program)))
        finally:
            self.close()

    def close(self) -> None:
        """End the container."""
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _load(self, program: Program) -> Observation:
        return self._ask(program.load_request(), "")

    def _test(self, program: Program) -> Observation:
        mount = ""
        if (container := self._open("")) is not None:
            try:
                mount = str(fetch_wheels(container.python, container.implementation, self._options.wheels))
            except NoWheelsError as exc:
                return not_run(f"the packages for tests are not to be had: {exc}")
        return self._ask(program.tests_request() | {"paths": ["/wheels"]}, mount)

    def _ask(self, request: dict[str, object], mount: str) -> Observation:
        if self._losses >= _MOST_LOSSES:
            return not_run(f"containers of {self._image} end again and again")
        container = self._open(mount)
        if container is None:
            return not_run(self._why)
        try:
            observation = container.ask(request, self._options.seconds)
        except ContainerLostError:
            self._container = None
            self._losses += 1
            return {"outcome": "lost"}
        self._losses = 0
        return observation

    def _open(self, mount: str) -> Container | None:
        """Return the container, which is started when there is none; None when that failed before."""
        if self._stop.is_set():
            self._why = "it was stopped"
            return None
        if self._container is not None and mount and not self._container.mount:
            self.close()
        if self._container is None and not self._why:
            try:
                container = Container(self._engine, self._image, self._options.bounds, mount)
                self._container = container
                container.ask(
                    self._surroundings.request() if not mount else {"prelude": []}, self._options.seconds
                )
            except EngineError as exc:
                self._why = str(exc)
            except ContainerLostError as exc:
                self._container, self._why = None, f"the container of {self._image} {exc}"
        return self._container
