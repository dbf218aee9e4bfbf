"""Every item file's outcome before planning: bump, skip or problem."""

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.problem import UNREADABLE, Problem
from autobump.decisions.bump import Bump
from autobump.decisions.describe import describe_finding
from autobump.decisions.eligibility import Skipped
from autobump.decisions.risk import ItemRisk, RiskPolicy
from autobump.images.advisories.compare import AdvisoryDiff
from autobump.images.advisories.record import Severity
from autobump.images.choice import NoUpdateReason
from autobump.images.registries import full_name
from autobump.images.results import Lookup

TAGS_UNAVAILABLE = "tags-unavailable"
"""Reason of a problem: the registry did not answer for an item's image."""

_Row = TypeVar("_Row", Bump, Skipped, Problem)


class Notice(Struct, frozen=True):
    """Something a maintainer should know of a file, whatever becomes of it."""

    path: str
    detail: str


class Evaluation(Struct, frozen=True):
    """Every item file of the pass in exactly one of bumps, skipped and problems, each sorted by path.

    Attributes:
        files: How many item files there are.
        bumps: Items that move to another tag.
        skipped: Items that stay, and why.
        problems: Files that could not be evaluated.
        notices: What else a maintainer should know.
        found: What the registry holds of each image that was asked for, newest first, by name.
        unconfirmed: Image and tag of targets that the registry did not show when asked again.
    """

    files: int
    bumps: tuple[Bump, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...]
    found: Mapping[str, Lookup] = field(default_factory=dict)
    unconfirmed: frozenset[tuple[str, str]] = frozenset()

    @property
    def unknown(self) -> tuple[Problem, ...]:
        """The problems that say nothing of their item: a registry or git did not answer for it."""
        return tuple(problem for problem in self.problems if problem.reason in (TAGS_UNAVAILABLE, UNREADABLE))

    def count_items(self, image: str) -> int:
        """Return how many items use an image, updated or not."""
        wanted = full_name(image)
        used = [bump.image.repository for bump in self.bumps] + [skip.repository for skip in self.skipped]
        return sum(1 for repository in used if full_name(repository) == wanted)

    def with_refused(self, refused: Mapping[str, tuple[str, str]]) -> "Evaluation":
        """Return the same with some bumps turned into problems.

        Args:
            refused: Reason and detail, by the path of the bump.
        """
        problems = [
            Problem(bump.path, bump.item.pack, *refused[bump.path])
            for bump in self.bumps
            if bump.path in refused
        ]
        return replace(
            self,
            bumps=tuple(bump for bump in self.bumps if bump.path not in refused),
            problems=by_path([*self.problems, *problems]),
            unconfirmed=self.unconfirmed
            | {
                (bump.image.repository, bump.target.tag.text)
                for bump in self.bumps
                if refused.get(bump.path, ("", ""))[0] == TAGS_UNAVAILABLE
            },
        )

    def with_held(self, reasons: Mapping[str, str]) -> "Evaluation":
        """Return the same with some bumps held, by path, and why."""
        held = [_hold(bump, reasons[bump.path]) for bump in self.bumps if bump.path in reasons]
        return replace(
            self,
            bumps=tuple(bump for bump in self.bumps if bump.path not in reasons),
            skipped=by_path([*self.skipped, *held]),
        )

    def with_open_pull_requests(
        self, risk_groups: Mapping[str, str], packs: Set[tuple[str, str]]
    ) -> "Evaluation":
        """Return the same with every bump where open pull requests have it, before its risk is known.

        Args:
            risk_groups: The risk group of each item in an open pull request, by path.
            packs: Image and pack of open pull requests; other items of these stay out for the time being.
        """
        if not risk_groups and not packs:
            return self
        bumps = (
            bump
            if bump.risk is not None  # it was looked at already, in an earlier round of this pass
            else replace(
                bump,
                risk_group=risk_groups.get(bump.path, bump.risk_group),
                may_join=bump.path in risk_groups or (bump.image.repository, bump.item.pack) not in packs,
            )
            for bump in self.bumps
        )
        return replace(self, bumps=tuple(bumps))

    def with_advisories(
        self, diff: Callable[[str, str, str], AdvisoryDiff], severity: Severity
    ) -> "Evaluation":
        """Return the same with what each bump fixes and brings in.

        Args:
            diff: Says it of an image, its older and its newer tag.
            severity: From which on a fix is a matter of security.
        """
        bumps = []
        for bump in self.bumps:
            (repository, old), (_, new) = bump.tags
            found = diff(repository, old, new)
            bumps.append(replace(bump, advisories=found, fixes_security=found.fixes(severity)))
        return replace(self, bumps=tuple(bumps))

    def find_created(self, repository: str, tag: str) -> datetime | None:
        """Return when a tag was made, if the registry told that along with the tags."""
        releases = self.found.get(repository)
        if not isinstance(releases, tuple):
            return None
        return next((release.created for release in releases if release.tag.text == tag), None)

    def with_risks(self, risks: Mapping[str, ItemRisk], policy: RiskPolicy) -> "Evaluation":
        """Return the same with the risk of some bumps, by path, and what the policy makes of it.

        A bump whose images are not known stays where it is: silence is no reason to move it.
        """
        bumps: list[Bump] = []
        skipped = list(self.skipped)
        for bump in self.bumps:
            risk = risks.get(bump.path)
            if risk is None:
                bumps.append(bump)
            elif policy.holds(risk.level):
                skipped.append(_hold(bump, describe_finding(risk.findings[0])))
            else:
                risk_group = policy.risk_group(risk.level) if risk.known else bump.risk_group
                bumps.append(
                    replace(bump, risk=risk, risk_group=risk_group, may_join=bump.may_join or risk.known)
                )
        return replace(self, bumps=tuple(bumps), skipped=by_path(skipped))


def by_path(rows: Iterable[_Row]) -> tuple[_Row, ...]:
    """Return bumps, skips or problems sorted by path."""
    return tuple(sorted(rows, key=lambda row: row.path))


def _hold(bump: Bump, why: str) -> Skipped:
    return Skipped(
        bump.path, bump.item.pack, NoUpdateReason.HELD, why, bump.image.repository, bump.image.tag or ""
    )
