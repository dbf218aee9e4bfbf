"""Makes passes through faults of every kind, beside passes without any, and holds both to the same end."""

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.fixtures.faults import OF_GITHUB, OF_REGISTRIES, PATIENCE_SECONDS, Fault
from tests.fixtures.github import standing_in
from tests.fixtures.registry import load_tags, pass_on, push_tag, run_registry
from tests.fixtures.servers import serve
from tests.soak.people import People, first_tags
from tests.soak.side import Side, differences
from tests.soak.worker import Holding

ROUND = 10
"""Passes with faults between two looks."""

MOST_SETTLING = 3
"""Passes without faults after which everything has to be as if there had been no faults, and at rest."""

MORE_RESIDENT_KIB = 8 * 1024
"""How much more memory the process may hold at the end than after the first round: 17 KiB for each of 500
passes, while one session with its connection takes more. What a pass reads of finished pull requests, which
become more, is in it."""

INTERRUPTED, KILLED = 130, -signal.SIGKILL

_WEATHERS = (
    "interrupt", "interrupt", "kill", "registry down", "GitHub down",
    "foul", "foul", "rough", "rough", "mild",
)  # fmt: skip
_STRIKES = ("interrupt", "kill")
_CHANCES = {"foul": 0.25, "rough": 0.1, "mild": 0.03}
_DOWN = (Fault.UNAVAILABLE, Fault.DROPPED, Fault.NO_JSON)

_NOTHING = Holding(0, 0, 0)

_Card = TypeVar("_Card")
_Push = Callable[[str, str, str], object]


@dataclass
class Result:
    """What a soak found.

    Attributes:
        passes: Passes with faults.
        settling: Passes without, after each round.
        ends: Exit codes of the passes with faults; negative for a signal.
        faults: Faults by side and kind.
        requests: Requests by side.
        at_rest: What the process held after each round.
        most: The most it held after any pass.
        pulls: Pull requests by what became of them.
        done: How often people did what.
        flaws: What is not as without faults.
        growth: What the process holds more of than it may.
    """

    passes: int = 0
    settling: int = 0
    ends: Counter[int] = field(default_factory=Counter)
    faults: dict[str, Counter[Fault]] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    at_rest: list[Holding] = field(default_factory=list)
    most: Holding = _NOTHING
    pulls: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    flaws: list[str] = field(default_factory=list)
    growth: list[str] = field(default_factory=list)


class Sky:
    """Decides what each pass meets; every kind comes before one comes again."""

    def __init__(self, seed: int) -> None:
        """Shuffle by a seed."""
        self._dice = random.Random(f"sky {seed}")  # noqa: S311 - a simulation, not a secret
        self._hand: list[str] = []
        self._played = ""
        self._of_github = self._deal(OF_GITHUB)
        self._of_registries = self._deal(OF_REGISTRIES)

    def send(self, side: Side, seed: str, *, news: bool) -> tuple[str, float]:
        """Let one pass meet something.

        Args:
            side: Whose pass it is.
            seed: Of the faults.
            news: There is something to do for the pass; most strikes wait for one that writes.

        Returns:
            The process that the pass is to be made in, and the patience it is to have.
        """
        weather = self._played = self._choose(news)
        if weather in _STRIKES:
            when = (
                (0, self._dice.randint(1, 8)) if self._dice.random() < 0.8 else (self._dice.randint(1, 6), 0)
            )
            name = "doomed" if weather == "kill" else "main"
            worker = side.worker(name)
            side.storm.strike_at(*when, worker.kill if weather == "kill" else worker.interrupt)
            return name, 0
        if weather.endswith("down"):
            down = side.storm if weather == "GitHub down" else side.registry_storm
            down.go_down(self._dice.choice(_DOWN))
            return "main", 0
        patience = 0.0
        for storm, kinds in ((side.storm, self._of_github), (side.registry_storm, self._of_registries)):
            # Told to wait a day a pass ends: that comes last.
            early, late = sorted([next(kinds), next(kinds)], key=lambda kind: kind is Fault.BANNED)
            sure = {self._dice.randint(1, 2): early, self._dice.randint(3, 4): late}
            storm.brew(seed, _CHANCES[weather], sure)
            patience = PATIENCE_SECONDS if Fault.LATE in (early, late) else patience
        return "main", patience

    def hear(self, status: int) -> None:
        """Hear how the pass ended: a strike that came to nothing is made again."""
        if self._played in _STRIKES and status not in (INTERRUPTED, KILLED):
            self._hand.append(self._played)

    def _choose(self, news: bool) -> str:
        if not self._hand:
            self._hand = self._dice.sample(_WEATHERS, k=len(_WEATHERS))
        fitting = [weather for weather in self._hand if (weather in _STRIKES) is news] or self._hand
        weather = self._dice.choice([*fitting, self._hand[0]])
        self._hand.remove(weather)
        return weather

    def _deal(self, cards: Sequence[_Card]) -> Iterator[_Card]:
        while True:
            yield from self._dice.sample(cards, k=len(cards))


def run_soak(folder: Path, passes: int, seed: int, tell: Callable[[str], object] = lambda _: None) -> Result:
    """Make so many passes with faults, and look after each round; the first round with a flaw is the last.

    Args:
        folder: An empty one to work in.
        passes: Passes with faults, a multiple of `ROUND`.
        seed: Of all that happens.
        tell: Told how far it is.
    """
    people, sky, result = People(seed), Sky(seed), Result()
    with _two_sides(folder, people) as (push, calm, stormy):
        for first in range(0, passes, ROUND):
            plan = people.plan_round(calm.github, ROUND)
            for index in range(ROUND):
                for image, tag, mark in plan.tags[index]:
                    push(image, tag, mark)
                for what, act in plan.acts[index]:
                    act(calm.github)
                    act(stormy.github)
                    result.done[what.partition(":")[0]] += 1
                result.done["publish"] += len(plan.tags[index])
                news = bool(plan.tags[index] or plan.acts[index])
                met = sky.send(stormy, f"{seed} {first + index}", news=news)
                sky.hear(_make_pass(calm if news else None, stormy, met, result))
            _settle(calm, stormy, result)
            result.flaws += differences(calm.told(), stormy.told())
            if result.flaws:
                acts = [f"pass {n}: {what}" for n, acts in sorted(plan.acts.items()) for what, _ in acts]
                tags = [f"pass {n}: push {one}" for n, tags in sorted(plan.tags.items()) for one in tags]
                result.flaws.insert(0, f"seed {seed}, after pass {first + ROUND}, in {folder}:")
                result.flaws += ["in that round:", *acts, *tags]
                break
            tell(f"{first + ROUND} of {passes} passes")
        _count(stormy, result)
    result.growth = _growth(result.at_rest)
    return result


@contextmanager
def _two_sides(folder: Path, people: People) -> Iterator[tuple[_Push, Side, Side]]:
    """Run a registry, and before it two repositories in the same state: the calm and the stormy side."""
    with ExitStack() as stack:
        (folder / "registry").mkdir()
        registry = stack.enter_context(run_registry(folder / "registry"))
        load_tags(registry, first_tags(people.images))
        answer = stack.enter_context(pass_on(registry))
        files = people.first_files()
        sides = []
        for name in ("calm", "stormy"):
            (folder / name).mkdir()
            side = Side(folder / name, standing_in(folder / name / "github", files), answer)
            for storm in (side.storm, side.registry_storm):
                side.servers.append(stack.enter_context(serve(storm.answer)))
            stack.callback(side.close)
            sides.append(side)
        yield (lambda image, tag, mark: push_tag(registry, image, tag, created=mark)), sides[0], sides[1]


def _make_pass(calm: Side | None, stormy: Side, met: tuple[str, float], result: Result) -> int:
    """Make a pass with faults, and at the same time one without where there is something new.

    Returns:
        How the one with faults ended.
    """
    name, patience = met
    if calm is not None:
        calm.begin()
    stormy.begin(name, patience=patience)
    ended = stormy.end(name)
    stormy.storm.calm_down()
    stormy.registry_storm.calm_down()
    result.passes += 1
    result.ends[ended.status] += 1
    if name == "main" and (held := ended.holding) is not None:
        most = result.most
        result.most = Holding(
            max(most.resident_kib, held.resident_kib),
            max(most.files, held.files),
            max(most.threads, held.threads),
        )
    if ended.status not in (0, 1, INTERRUPTED, KILLED):
        result.flaws.append(f"a pass ended with {ended.status}:\n{stormy.last_words(name)}")
    if calm is not None and (status := calm.end().status) != 0:
        result.flaws.append(f"a pass without faults ended with {status}:\n{calm.last_words()}")
    return ended.status


def _settle(calm: Side, stormy: Side, result: Result) -> None:
    """Make passes without faults until neither side writes any more."""
    for _ in range(MOST_SETTLING):
        result.settling += 1
        calm.begin()
        stormy.begin(at_rest=True)
        ends = {side: side.end() for side in (calm, stormy)}
        for side, ended in ends.items():
            if ended.status:
                result.flaws.append(f"a pass to settle ended with {ended.status}:\n{side.last_words()}")
        if not calm.writes() and not stormy.writes():
            break
    else:
        result.flaws.append(f"not at rest after {MOST_SETTLING} passes without faults")
    if (held := ends[stormy].holding) is not None:
        result.at_rest.append(held)
    for side in (calm, stormy):
        side.forget()


def _count(side: Side, result: Result) -> None:
    for name, storm in (("registry", side.registry_storm), ("GitHub", side.storm)):
        result.faults[name] = storm.faults
        result.requests[name] = storm.requests
    for pull in side.github.pulls:
        result.pulls["merged" if pull.merged_at else pull.state] += 1


def _growth(at_rest: Sequence[Holding]) -> list[str]:
    """Return what the process holds more of at the end than after the first round."""
    if not at_rest:
        return []
    first, last = at_rest[0], at_rest[-1]
    found = []
    if last.files > first.files:
        found.append(f"open files grew from {first.files} to {last.files}")
    if last.threads > first.threads:
        found.append(f"threads grew from {first.threads} to {last.threads}")
    if last.resident_kib > first.resident_kib + MORE_RESIDENT_KIB:
        found.append(f"memory grew from {first.resident_kib} to {last.resident_kib} KiB")
    return found
