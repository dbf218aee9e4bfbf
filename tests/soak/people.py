"""What happens to a repository meanwhile: images are published, and people do what people do.

All of it hangs on the seed, and on how things stand without faults. What is done to one image in a round
leads to the same end whichever passes saw it happen: where that would depend on which pass came first, the
next thing waits for the next round.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from autobump.pull_requests.marker import Marker, find_marker
from tests.fixtures.github import GitHubStandIn, Pull
from tests.fixtures.repositories import commit, script_pack, show

Act = Callable[[GitHubStandIn], object]

FIRST = 1
_IMAGES = 9
_LINKED = ("demisto/i7", "demisto/i8")
"""Two images of one pack: what happens to one waits until nothing happens to the other."""


@dataclass
class Round:
    """What happens between two looks: tags to push, and what people do, by the number of the pass.

    Attributes:
        tags: Image, tag, and what tells its manifest from another one's.
        acts: What is done, in words, and how.
    """

    tags: dict[int, list[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    acts: dict[int, list[tuple[str, Act]]] = field(default_factory=lambda: defaultdict(list))


class People:
    """Everybody but autobump."""

    def __init__(self, seed: int) -> None:
        """Begin with one tag an image."""
        self._dice = random.Random(f"people {seed}")  # noqa: S311 - a simulation, not a secret
        self.images = {f"demisto/i{number}": FIRST for number in range(_IMAGES)}
        self._packs = 0
        self._pushes = 0

    def first_files(self) -> dict[str, str | bytes]:
        """Return the content of the repository as it is at first."""
        files: dict[str, str | bytes] = {}
        for number, image in enumerate(self.images):
            for _ in range(1 + number % 5):
                files |= self._new_pack(image)
        both = {f"Both{number}": f"{image}:{_tag(FIRST)}" for number, image in enumerate(_LINKED)}
        return files | script_pack("Both", both)

    def plan_round(self, github: GitHubStandIn, passes: int) -> Round:
        """Think of what happens in so many passes, as things stand without faults."""
        plan = Round()
        standing: dict[str, list[Pull]] = defaultdict(list)
        for pull in github.open_pulls():
            marker = find_marker(pull.body)
            if marker is not None:
                standing[marker.image].append(pull)
        busy = set(self._dice.sample(_LINKED, k=1))
        for image in self.images:
            if image not in busy:
                self._let_happen(plan, image, standing[image], github, passes)
        for number in self._dice.sample(range(passes), k=min(2, passes)):
            plan.acts[number].append(("write the README", self._write_readme()))
        return plan

    def _let_happen(
        self, plan: Round, image: str, pulls: list[Pull], github: GitHubStandIn, passes: int
    ) -> None:
        number = self._dice.randrange(passes)
        publish = self.images[image] == FIRST or self._dice.random() < 0.45
        if not pulls or publish:
            if publish:
                for when in sorted(
                    self._dice.sample(range(passes), k=min(passes, self._dice.choice([1, 1, 2])))
                ):
                    self._publish(plan, image, when)
            elif self._dice.random() < 0.3:
                files = self._new_pack(image)
                plan.acts[number].append((f"new pack: {image}", lambda to: commit(to.git, files)))
            elif self._dice.random() < 0.5:
                self._lift(plan, image, github)
            return
        pull = self._dice.choice(pulls)
        marker = find_marker(pull.body)
        assert marker is not None
        what, act = self._dice.choice(self._possible(pull, marker, image))
        if what == "overwrite":
            self._pushes += 1
            plan.tags[number].append((image, marker.target, f"again {self._pushes}"))
            return
        # A box can be ticked while it is shown: a pass that a fault keeps from an image does not show all.
        plan.acts[0 if what == "tick" else number].append((f"{what}: {pull.title}", act))
        # Merged at an older tag its packs are bumped at once, in a pull request of their own. Were the next
        # tag to free other packs too, who sees both at once would put all of them into one.
        newest = marker.target == _tag(self.images[image]) and image not in _LINKED
        if what == "merge" and newest and number + 1 < passes and self._dice.random() < 0.4:
            self._publish(plan, image, self._dice.randrange(number + 1, passes))

    def _possible(self, pull: Pull, marker: Marker, image: str) -> list[tuple[str, Act]]:
        """Return what people may do with a pull request, the frequent things more than once."""
        branch = pull.branch
        gone = self._dice.random() < 0.6
        pack, path = self._dice.choice(marker.packs), self._dice.choice(marker.paths)
        merge: Act = lambda to: to.merge(_on(to, branch).number, delete_branch=gone)  # noqa: E731 - one of a list
        found: list[tuple[str, Act]] = [("merge", merge)] * 5
        found.append(("close", lambda to: to.close(_on(to, branch).number, delete_branch=gone)))
        found.append(("ask to rebuild", lambda to: to.add_label(_on(to, branch).number, "autobump:rebuild")))
        found.append(("tick", lambda to: _tick(to, f"rebuild:#{_on(to, branch).number}")))
        found.append(("change an item on the base", lambda to: _edit(to, path, "", "# checked\n")))
        found.append(
            ("bump by hand", lambda to: _edit(to, path, f"{image}:", f"{image}:{marker.target} # was "))
        )
        found.append(
            (
                "push",
                lambda to: commit(to.git, {f"Packs/{pack}/README.md": "by a person\n"}, branch=branch),
            )
        )
        if "autobump:hold" in pull.labels:
            found += [("let go", lambda to: to.remove_label(_on(to, branch).number, "autobump:hold"))] * 3
        else:
            found.append(("hold", lambda to: to.add_label(_on(to, branch).number, "autobump:hold")))
            found.append(("overwrite", lambda _: None))
        if "docker-image-auto-update" in pull.labels:
            taken = "docker-image-auto-update"
            found.append(("take its label", lambda to: to.remove_label(_on(to, branch).number, taken)))
        return found

    def _lift(self, plan: Round, image: str, github: GitHubStandIn) -> None:
        """Ask on the dashboard for what a closed pull request keeps out."""
        text = "".join(issue.body for issue in github.issues)
        for index, pull in enumerate(github.pulls):
            marker = find_marker(pull.body)
            if marker is not None and marker.image == image and f"lift:#{pull.number} " in text:
                before = sum(1 for other in github.pulls[:index] if other.branch == pull.branch)
                branch = pull.branch

                def lift(to: GitHubStandIn, branch: str = branch, before: int = before) -> None:
                    same = [other for other in to.pulls if other.branch == branch]
                    _tick(to, f"lift:#{same[before].number}")

                plan.acts[0].append((f"lift: {pull.title}", lift))
                return

    def _publish(self, plan: Round, image: str, when: int) -> None:
        self.images[image] += 1
        self._pushes += 1
        plan.tags[when].append((image, _tag(self.images[image]), f"{self._pushes}"))

    def _new_pack(self, image: str) -> dict[str, str | bytes]:
        self._packs += 1
        name = f"Pack{self._packs:03}"
        items = {f"{name}Item{n}": f"{image}:{_tag(FIRST)}" for n in range(1 + self._packs % 2)}
        return dict(script_pack(name, items))

    def _write_readme(self) -> Act:
        text = f"{self._dice.random()}\n"
        return lambda to: commit(to.git, {"README.md": text})


def first_tags(images: dict[str, int]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the tags that are there at first, and one newer."""
    return {image: {_tag(FIRST): {}} for image in images}


def _tag(number: int) -> str:
    return f"1.0.{number}.{1000 + number}"


def _on(github: GitHubStandIn, branch: str) -> Pull:
    """Return the open pull request of a branch."""
    found = [pull for pull in github.open_pulls() if pull.branch == branch]
    assert found, f"{branch} has no open pull request"
    return found[0]


def _edit(github: GitHubStandIn, path: str, old: str, new: str) -> None:
    """Change an item on the base: put something in the place of a text, or behind everything."""
    text = show(github.git, "master", path).decode()
    commit(github.git, {path: text.replace(old, new) if old else text + new})


def _tick(github: GitHubStandIn, mark: str) -> None:
    for issue in github.issues:
        issue.body = issue.body.replace(f"- [ ] <!-- {mark} -->", f"- [x] <!-- {mark} -->")
