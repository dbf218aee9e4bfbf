"""Settings: what can be set, and its defaults."""

from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from autobump.decisions.eligibility import EligibilityPolicy
from autobump.decisions.holds import HoldRule
from autobump.decisions.risk import RiskPolicy
from autobump.planning.plan import Limits
from autobump.planning.waves import Wave
from autobump.settings.values import (
    Address,
    CronLine,
    Day,
    DeprecatedImagesName,
    Duration,
    FactsSourceName,
    ImmutableTag,
    Labels,
    Name,
    Names,
    Percent,
    PythonVersion,
    SupportLevels,
    TagSourceName,
    TimeZone,
)

SettingPath = tuple[str | int, ...]
"""Where a setting stands: keys, and numbers of list elements from 0."""


RepositoryName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
BranchName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")]
_Model = TypeVar("_Model", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ContentSettings(_Section):
    """Which content repository, and which branch pull requests go to."""

    repository: RepositoryName = Field(
        default="demisto/content",
        description="The GitHub repository that gets the pull requests, as owner/name.",
    )
    base: BranchName = Field(default="master", description="The branch they go to.")


class RegistrySettings(_Section):
    """Where tags come from and which are trusted."""

    source: TagSourceName = Field(
        default="dockerhub",
        description="Where tags come from: dockerhub, oci:https://host[/prefix], dockerfiles-info[:PATH] or "
        "file:PATH.",
    )
    namespaces: Annotated[Names, Field(min_length=1)] = Field(
        default=("demisto",),
        description="Images of other owners are never touched. Write host/owner where content names a "
        "registry.",
    )
    min_age: Duration = Field(
        default=timedelta(),
        description="A tag younger than this is passed over for the newest one that is old enough.",
    )
    facts: FactsSourceName = Field(
        default="auto",
        description="Where the facts of what is inside an image come from: auto, dockerfiles-info[:PATH], "
        "file:PATH or none.",
    )
    deprecated_images: DeprecatedImagesName = Field(
        default="auto",
        description="The list of deprecated images: auto, dockerfiles (as published on GitHub), file:PATH or "
        "none.",
    )
    cache: Name = Field(
        default="~/.cache/autobump",
        description="What registries answered is remembered here. It may be deleted at any time. Settings in "
        "the analysed commit cannot name another folder.",
    )
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(
        default=8, description="Most images asked for at the same time."
    )


class RiskSettings(_Section):
    """What is done with items that may notice what changes inside their image."""

    breaking: Literal["separate", "hold", "ignore"] = Field(
        default="separate",
        description="For an item whose imported package or module is gone from the new image. separate: a "
        "draft of its own with the label autobump:breaking; hold: it is not updated; ignore: like any other.",
    )
    review: Literal["label", "separate", "ignore"] = Field(
        default="label",
        description="For an item whose imported package changes its major version or goes back, or whose "
        "Python changes its minor version. label: the pull request gets the label autobump:review; separate: "
        "a draft of its own with that label; ignore: like any other.",
    )


class HoldSettings(_Section):
    """A rule that keeps some items from some tags.

    It names images, paths, packs or items, and says python, max_tag, skip_tags or until.
    """

    reason: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="Why, in your words; reports show it."
    )
    images: Names = Field(default=(), description="Images as namespace/name; * and ? work. Empty means all.")
    paths: Names = Field(
        default=(), description="Paths of items; * and ? work, and match / too. Empty means all."
    )
    packs: Names = Field(default=(), description="Pack folders; * and ? work. Empty means all.")
    items: Names = Field(default=(), description="Ids of items. Empty means all.")
    python: PythonVersion | None = Field(
        default=None, description='Only tags with this Python, in quotes, such as "3.11".'
    )
    max_tag: ImmutableTag | None = Field(
        default=None, description="No tag with a higher build number than this one."
    )
    skip_tags: Names = Field(default=(), description="Not these tags.")
    until: Day | None = Field(default=None, description="No tag at all before this day, in UTC.")

    @property
    def hold(self) -> HoldRule:
        """The rule itself."""
        return HoldRule(**{name: getattr(self, name) for name in type(self).model_fields})


class PolicySettings(_Section):
    """Which items may be updated."""

    auto_update: Literal["opt-out", "python-only"] = Field(
        default="opt-out",
        description="opt-out: everything is updated unless it says autoUpdateDockerImage: false. "
        "python-only: only demisto/python and demisto/python3, and what says autoUpdateDockerImage: true.",
    )
    support: SupportLevels = Field(default=(), description="Support levels to update. Empty means all.")
    exclude_packs: Names = Field(
        default=("ApiModules",),
        description="Pack folders that are left alone; * and ? work. Your list replaces this one: name "
        "ApiModules in it, too.",
    )
    exclude_images: Names = Field(
        default=(), description="Images that are left alone, as namespace/name; * and ? work."
    )
    pin_mutable_tags: bool = Field(
        default=False,
        description="Move items without a tag, or with one such as latest, to the newest immutable tag.",
    )
    holds: Annotated[tuple[HoldSettings, ...], Field(strict=False)] = Field(
        default=(),
        description="Rules that keep some items from some tags; the newest tag that all of them allow is "
        "taken.",
    )
    risk: RiskSettings = Field(
        default=RiskSettings(), description="Items that may notice what changes inside their image."
    )


class PullRequestSettings(_Section):
    """How pull requests are made."""

    max_items: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=25,
        description="Most items in one pull request. A pack is never split; a larger one gets its own.",
    )
    max_open: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Most pull requests open at the same time."
    )
    max_new_per_run: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Most new pull requests in one run."
    )
    labels: Labels = Field(default=("docker-image-auto-update",), description="Labels they get.")
    branch_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*/$")
    ] = Field(
        default="autobump/", description="Where their branches live; everything under it belongs to autobump."
    )
    release_notes: bool = Field(
        default=True,
        description="Raise each pack's version and add its release notes. Without it only the YAML files "
        "change.",
    )
    draft: bool = Field(default=False, description="Open them as drafts.")
    reviewers: Names = Field(default=(), description="Logins that are asked for a review.")
    team_reviewers: Names = Field(default=(), description="Slugs of teams that are asked for a review.")
    assignees: Names = Field(default=(), description="Logins they are assigned to.")
    automerge: bool = Field(default=False, description="Turn on auto-merge, where the repository allows it.")
    dashboard: bool = Field(
        default=False,
        description="Keep one issue that shows what is open, what waits, and why the rest stays; with boxes "
        "to ask for things.",
    )
    write_pause: Duration = Field(
        default=timedelta(seconds=1), description="Least time between two writes to GitHub."
    )


class WaveSettings(_Section):
    """One wave of a rollout."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}$")] = Field(
        description="Its name, unique."
    )
    min_coverage: Percent = Field(default=0, description="Least unit-test coverage of an item, in percent.")
    max_coverage: Percent = Field(default=100, description="Most unit-test coverage of an item, in percent.")
    support: SupportLevels = Field(default=(), description="Support levels of packs. Empty means all.")
    nightly: bool | None = Field(
        default=None,
        description="true: only packs that are tested nightly; false: only the others; null: all.",
    )
    packs: Names = Field(default=(), description="Pack folders; * and ? work. Empty means all.")
    images: Names = Field(default=(), description="Images as namespace/name; * and ? work. Empty means all.")
    max_items: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Most items of it for one image and tag; the others fall to the next wave that takes "
        "them.",
    )
    soak: Duration = Field(
        default=timedelta(),
        description="How long the next wave waits after its last pull request is merged or closed.",
    )
    labels: Labels = Field(default=(), description="Labels beside those of pull_requests.")
    reviewers: Names = Field(default=(), description="Logins asked in the place of those of pull_requests.")
    team_reviewers: Names = Field(
        default=(), description="Teams asked in the place of those of pull_requests."
    )
    draft: bool | None = Field(
        default=None, description="Open its pull requests as drafts; null: as pull_requests."
    )
    automerge: bool | None = Field(
        default=None, description="Turn on auto-merge for its pull requests; null: as pull_requests."
    )

    @property
    def wave(self) -> Wave:
        """The wave itself."""
        return Wave(**{field.name: getattr(self, field.name) for field in fields(Wave)})


class RolloutSettings(_Section):
    """Updates in waves, one after the other."""

    coverage_report: Name | None = Field(
        default=None,
        description='Unit-test coverage by file, as {"files": {"Packs/….py": 91.89}}: an address, a path in '
        "the repository, or a file on this machine. What it does not name has none.",
    )
    nightly_packs: Name | None = Field(
        default=None,
        description='JSON with a list "nightly_packs", such as Tests/conf.json of the repository.',
    )
    waves: Annotated[tuple[WaveSettings, ...], Field(strict=False)] = Field(
        default=(),
        description="For one image and tag, a wave opens when all pull requests of the one before are merged "
        "or closed and its soak time is over. An item belongs to the first wave that takes it; what none "
        "takes comes last.",
    )


class ScheduleSettings(_Section):
    """When `autobump schedule` runs a pass, and where it tells how it goes."""

    cron: CronLine = Field(
        default="0 3 * * 1-5",
        description="When a pass runs: minute, hour, day, month, weekday, as in crontab(5). A sixth field in "
        "front is the second.",
    )
    timezone: TimeZone = Field(
        default="UTC", description="The time zone the schedule is meant in, such as Europe/Berlin."
    )
    misfire_grace: Duration = Field(
        default=timedelta(hours=1),
        description="A pass that could not begin in time still does when it is no later than this.",
    )
    listen: Address = Field(
        default="127.0.0.1:9464", description="Where /healthz and /metrics are served; null for nowhere."
    )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of `listen`, or None."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class RepositorySettings(_Section):
    """One of several repositories, and what is different for it."""

    repository: RepositoryName = Field(description="The GitHub repository, as owner/name.")
    base: BranchName | None = Field(
        default=None, description="The branch pull requests go to; null: as content.base."
    )
    path: Name | None = Field(
        default=None, description="A clone on this machine; null: autobump keeps its own."
    )
    policy: PolicySettings | None = Field(default=None, description="Keys of policy that differ.")
    rollout: RolloutSettings | None = Field(default=None, description="Keys of rollout that differ.")
    pull_requests: PullRequestSettings | None = Field(
        default=None, description="Keys of pull_requests that differ."
    )


class Settings(_Section):
    """Everything a settings file can say."""

    content: ContentSettings = ContentSettings()
    registry: RegistrySettings = RegistrySettings()
    policy: PolicySettings = PolicySettings()
    rollout: RolloutSettings = RolloutSettings()
    pull_requests: PullRequestSettings = PullRequestSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    repositories: Annotated[tuple[RepositorySettings, ...], Field(strict=False)] = Field(
        default=(), description="Several repositories instead of the one in content."
    )

    def of_repository(self, entry: RepositorySettings) -> "Settings":
        """Return the settings of one of the repositories: the shared ones, and over them its own."""
        content = ContentSettings(repository=entry.repository, base=entry.base or self.content.base)
        return self.model_copy(
            update={
                "content": content,
                "policy": _lay_over(self.policy, entry.policy),
                "rollout": _lay_over(self.rollout, entry.rollout),
                "pull_requests": _lay_over(self.pull_requests, entry.pull_requests),
                "repositories": (),
            }
        )

    @property
    def eligibility(self) -> EligibilityPolicy:
        """What eligibility needs of the settings."""
        return EligibilityPolicy(
            namespaces=self.registry.namespaces,
            auto_update=self.policy.auto_update,
            support=self.policy.support,
            exclude_packs=self.policy.exclude_packs,
            exclude_images=self.policy.exclude_images,
            pin_mutable_tags=self.policy.pin_mutable_tags,
        )

    @property
    def holds(self) -> tuple[HoldRule, ...]:
        """The rules that keep some items from some tags, in their order."""
        return tuple(hold.hold for hold in self.policy.holds)

    @property
    def waves(self) -> tuple[Wave, ...]:
        """The waves of a rollout, in their order."""
        return tuple(wave.wave for wave in self.rollout.waves)

    @property
    def risk(self) -> RiskPolicy:
        """What planning needs to know of items at risk."""
        return RiskPolicy(self.policy.risk.breaking, self.policy.risk.review)

    @property
    def limits(self) -> Limits:
        """What planning needs of the settings."""
        prs = self.pull_requests
        return Limits(prs.max_items, prs.max_open, prs.max_new_per_run, prs.branch_prefix)


def _lay_over(shared: _Model, own: _Model | None) -> _Model:
    """Return a section with the keys that another one says itself in the place of its own."""
    if own is None:
        return shared
    said = {}
    for name in own.model_fields_set:
        value = getattr(own, name)
        said[name] = _lay_over(getattr(shared, name), value) if isinstance(value, BaseModel) else value
    return shared.model_copy(update=said)
