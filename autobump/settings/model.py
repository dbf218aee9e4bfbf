"""Settings: what can be set, and its defaults."""

from datetime import timedelta
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from autobump.decisions.eligibility import EligibilityPolicy
from autobump.decisions.holds import HoldRule
from autobump.decisions.level import Level
from autobump.decisions.risk import RiskPolicy
from autobump.images.advisories.record import Severity
from autobump.images.registries import NAMESPACES, Registries, RegistryHost, canonical_host
from autobump.images.spelling import AUTO, DOCKER_HUB, TAG_SOURCE
from autobump.planning.plan import Limits
from autobump.planning.rollouts import ReplaceName
from autobump.planning.waves import Wave
from autobump.settings.values import (
    Address,
    AdvisoriesName,
    CronLine,
    Day,
    DeprecatedImagesName,
    Duration,
    FactsSourceName,
    HostName,
    ImmutableTag,
    Labels,
    Name,
    Names,
    Percent,
    PythonVersion,
    RepositoryFolder,
    Size,
    SupportLevels,
    TagSourceName,
    TimeZone,
)

_UNLIMITED = 1_000_000

SettingPath = tuple[str | int, ...]
"""Where a setting stands: keys, and numbers of list elements from 0."""


RepositoryName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
BranchName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")]
_Model = TypeVar("_Model", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class ContentSettings(_Section):
    """The content repository, and the base branch of its pull requests."""

    repository: RepositoryName = Field(
        default="demisto/content",
        description="GitHub repository that receives the pull requests, as owner/name.",
    )
    base: BranchName = Field(default="master", description="Base branch of the pull requests.")
    root: RepositoryFolder | None = Field(
        default=None,
        description="Folder that holds the packs, such as content/Packs; . for the top of the repository. A "
        "pack is a folder with pack_metadata.json. null: Packs, or else the only folder that holds packs.",
    )


class RegistryHostSettings(_Section):
    """Where the tags of the images of one registry come from, and which of them are trusted."""

    source: TagSourceName = Field(
        description="Where the tags of its images come from, written as registry.source is."
    )
    prefix: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9._/-]*[a-z0-9])?$")] = Field(
        default="",
        description="Folders before the namespace in that registry, such as docker-remote. Items may name "
        "them or leave them out.",
    )
    namespaces: Annotated[Names, Field(min_length=1)] | None = Field(
        default=None, description="Namespaces trusted there; null: those of registry.namespaces."
    )


class RegistrySettings(_Section):
    """Where tags and facts of images come from, and which images are trusted."""

    source: TagSourceName = Field(
        default=DOCKER_HUB,
        description=f"Where the tags of Docker Hub's images come from: {TAG_SOURCE.choice}.",
    )
    hosts: dict[HostName, RegistryHostSettings] = Field(
        default={},
        description="Other registries that items name, by host. An image of a registry that is not here is "
        "skipped.",
    )
    namespaces: Annotated[Names, Field(min_length=1)] = Field(
        default=NAMESPACES,
        description="Namespaces of trusted images; an item on any other image is skipped. They are those of "
        "Docker Hub; host/namespace is one of another registry.",
    )
    min_age: Duration = Field(
        default=timedelta(),
        description="Minimum age of a tag. A younger tag is passed over for the newest one that is old "
        "enough.",
    )
    facts: FactsSourceName = Field(
        default=AUTO,
        description="Where autobump learns what is inside an image (Python, system, packages, licences): "
        "auto, dockerfiles-info[:PATH], file:PATH or none.",
    )
    deprecated_images: DeprecatedImagesName = Field(
        default=AUTO,
        description="Where the list of deprecated images comes from: auto, dockerfiles (as published on "
        "GitHub), file:PATH or none.",
    )
    advisories: AdvisoriesName | None = Field(
        default=None,
        description="Where known vulnerabilities of packages come from: osv (the service of osv.dev), "
        "osv:URL, file:PATH (an export of its records) or none. null: osv for pull requests on GitHub whose "
        "tags are those of Docker Hub, else none.",
    )
    cache: Name = Field(
        default="~/.cache/autobump",
        description="Cache folder. It can be deleted at any time. Settings in the analysed commit cannot "
        "choose another folder.",
    )
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(
        default=8, description="Maximum number of images asked for at the same time."
    )

    @property
    def host_namespaces(self) -> tuple[str, ...]:
        """The namespaces that are trusted in any of `hosts`, each with its host."""
        return tuple(
            f"{name}/{namespace}"
            for name, host in self.hosts.items()
            for namespace in host.namespaces or self.namespaces
        )


class RiskSettings(_Section):
    """What to do with items that a change of image may affect."""

    breaking: Literal["separate", "hold", "ignore"] = Field(
        default="separate",
        description="What to do with an item when a package or module it imports is gone from the new "
        "image. separate: a draft pull request of its own with the label autobump:breaking; "
        "hold: the item is not updated; ignore: like any other update.",
    )
    review: Literal["label", "separate", "ignore"] = Field(
        default="label",
        description="What to do with an item when a package it imports changes its major version or goes "
        "back, or when Python changes its minor version. label: the pull request gets the label "
        "autobump:review; separate: a draft pull request of its own with that label; ignore: "
        "like any other update.",
    )


class SecuritySettings(_Section):
    """Which fixes of known vulnerabilities are a matter of security; needs registry.advisories."""

    severity: Annotated[Severity, Field(strict=False)] = Field(
        default=Severity.HIGH,
        description="A pull request that fixes something of at least this severity comes first and gets the "
        "label autobump:security.",
    )


class HoldSettings(_Section):
    """A rule that keeps some items from some tags.

    It names images, paths, packs or items, and says python, max_tag, skip_tags or until.
    """

    reason: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="Why the rule exists. Reports and pull requests show it."
    )
    images: Names = Field(
        default=(),
        description="Images it applies to, as namespace/name; * and ? are wildcards. Empty means all.",
    )
    paths: Names = Field(
        default=(),
        description="Paths of items it applies to; * and ? are wildcards and match / too. Empty means all.",
    )
    packs: Names = Field(
        default=(), description="Pack folders it applies to; * and ? are wildcards. Empty means all."
    )
    items: Names = Field(default=(), description="Ids of items it applies to. Empty means all.")
    python: PythonVersion | None = Field(
        default=None, description='Allow only tags with this Python version; quote it, such as "3.11".'
    )
    max_tag: ImmutableTag | None = Field(
        default=None, description="Allow no tag with a higher build number than this one."
    )
    skip_tags: Names = Field(default=(), description="Tags that are not allowed.")
    until: Day | None = Field(default=None, description="Allow no new tag before this day, in UTC.")

    @property
    def hold(self) -> HoldRule:
        """The rule itself."""
        return HoldRule(**{name: getattr(self, name) for name in type(self).model_fields})


class PolicySettings(_Section):
    """Which items may be updated."""

    auto_update: Literal["opt-out", "python-only"] = Field(
        default="opt-out",
        description="Which items are updated. opt-out: every item, unless it says autoUpdateDockerImage: "
        "false. python-only: of these, items on demisto/python and demisto/python3, and items "
        "that say autoUpdateDockerImage: true.",
    )
    support: SupportLevels = Field(
        default=(),
        description="Support levels of the packs to update; none stands for packs that name no level. Empty "
        "means all.",
    )
    exclude_packs: Names = Field(
        default=("ApiModules",),
        description="Pack folders to skip; * and ? are wildcards. Your list replaces the default: include "
        "ApiModules in it.",
    )
    exclude_images: Names = Field(
        default=(), description="Images to skip, as namespace/name; * and ? are wildcards."
    )
    pin_mutable_tags: bool = Field(
        default=False,
        description="Move items without a tag, or with a tag that can be overwritten such as latest, to the "
        "newest immutable tag.",
    )
    deprecated_images: Literal["skip", "update"] = Field(
        default="skip",
        description="What to do with an item on a deprecated image, see registry.deprecated_images. skip: it "
        "is not updated, because demisto-sdk refuses the image; update: it is, as long as there are newer "
        "tags.",
    )
    min_interval: Duration = Field(
        default=timedelta(),
        description="Minimum time between two updates of an item: no new one is proposed for so long after "
        "the last one was merged, unless it fixes what is a matter of security (policy.security). The pull "
        "requests on GitHub tell.",
    )
    holds: Annotated[tuple[HoldSettings, ...], Field(strict=False)] = Field(
        default=(),
        description="Rules that keep some items from some tags. An item moves to the newest tag that all of "
        "its rules allow.",
    )
    risk: RiskSettings = Field(
        default=RiskSettings.model_construct(),
        description="What to do with items that a change of image may affect.",
    )
    security: SecuritySettings = Field(
        default=SecuritySettings.model_construct(),
        description="Which fixes of known vulnerabilities are a matter of security.",
    )


class PullRequestSettings(_Section):
    """How pull requests are made, and how many."""

    max_items: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=25,
        description="Maximum number of items in one pull request. A pack is never split; a larger one gets "
        "a pull request of its own.",
    )
    group: Literal["image", "batch"] = Field(
        default="image",
        description="image: a pull request for each image and target; batch: images of few items (at most "
        "half of max_items) together in one pull request, up to max_items.",
    )
    max_open: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Maximum number of open pull requests."
    )
    max_new_per_run: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Maximum number of new pull requests in one pass."
    )
    labels: Labels = Field(default=("docker-image-auto-update",), description="Labels of every pull request.")
    branch_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*/$")
    ] = Field(
        default="autobump/", description="Prefix of the branches. Every branch below it belongs to autobump."
    )
    release_notes: bool = Field(
        default=True,
        description="Raise the version of each pack and add its release notes. If false, only the YAML "
        "files change.",
    )
    draft: bool = Field(default=False, description="Open pull requests as drafts.")
    reviewers: Names = Field(default=(), description="Users asked for a review, by login.")
    team_reviewers: Names = Field(default=(), description="Teams asked for a review, by slug.")
    assignees: Names = Field(default=(), description="Users that pull requests are assigned to, by login.")
    automerge: bool = Field(
        default=False,
        description="Enable auto-merge, where the repository allows it. Never for a draft, and never where "
        "an item is at risk or its risk could not be assessed.",
    )
    dashboard: bool = Field(
        default=False,
        description="Keep one issue that shows what is open, what waits, and what is skipped and why, with "
        "checkboxes for requests.",
    )
    write_pause: Duration = Field(
        default=timedelta(seconds=1), description="Minimum time between two writes to GitHub."
    )


class WaveSettings(_Section):
    """One wave of a rollout."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}$")] = Field(
        description="Unique name of the wave."
    )
    min_coverage: Percent = Field(default=0, description="Minimum unit-test coverage of an item, in percent.")
    max_coverage: Percent = Field(
        default=100, description="Maximum unit-test coverage of an item, in percent."
    )
    support: SupportLevels = Field(default=(), description="Support levels of its packs. Empty means all.")
    nightly: bool | None = Field(
        default=None,
        description="true: only packs that are tested nightly; false: only the others; null: all.",
    )
    packs: Names = Field(default=(), description="Pack folders; * and ? are wildcards. Empty means all.")
    images: Names = Field(
        default=(), description="Images, as namespace/name; * and ? are wildcards. Empty means all."
    )
    max_items: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Maximum number of its items for one image and tag; further items go to the next wave "
        "that takes them.",
    )
    soak: Duration = Field(
        default=timedelta(),
        description="How long the next wave waits after the last pull request of this one is merged or "
        "closed.",
    )
    labels: Labels = Field(default=(), description="Labels in addition to those of pull_requests.")
    reviewers: Names = Field(
        default=(), description="Users asked for a review instead of those of pull_requests, by login."
    )
    team_reviewers: Names = Field(
        default=(), description="Teams asked for a review instead of those of pull_requests, by slug."
    )
    draft: bool | None = Field(
        default=None, description="Open its pull requests as drafts; null: as pull_requests says."
    )
    automerge: bool | None = Field(
        default=None, description="Enable auto-merge for its pull requests; null: as pull_requests says."
    )

    @property
    def wave(self) -> Wave:
        """The wave itself."""
        return Wave(**{name: getattr(self, name) for name in Wave.__struct_fields__})


class RolloutSettings(_Section):
    """Updates in waves, one after the other."""

    coverage_report: Name | None = Field(
        default=None,
        description='Unit-test coverage by file, as {"files": {"Packs/….py": 91.89}}: a URL, a path in the '
        "repository, or a file on this machine. A file that it does not name counts as not "
        "covered.",
    )
    nightly_packs: Name | None = Field(
        default=None,
        description='JSON with a list "nightly_packs", such as Tests/conf.json of the repository: a URL, a '
        "path in the repository, or a file on this machine.",
    )
    replace: ReplaceName = Field(
        default="security",
        description="Which newer tag begins a running rollout anew. security: one that fixes what is a "
        "matter of security; always: any; never: none. Else the rollout keeps its tag until its last "
        "wave is merged or closed, and the newest tag begins the next one. A tag that was withdrawn or "
        "overwritten is replaced in any case.",
    )
    waves: Annotated[tuple[WaveSettings, ...], Field(strict=False)] = Field(
        default=(),
        description="Waves of updates. For one image and tag, a wave opens when all pull requests of the "
        "previous one are merged or closed and its soak time is over. An item belongs to the "
        "first wave that takes it; items that no wave takes come last.",
    )


class VerifySettings(_Section):
    """Items are run in the old and the new image of their update, in containers without a network."""

    engine: Literal["none", "docker", "podman", "auto"] = Field(
        default="none",
        description="Container engine that runs them. none: only `autobump verify` runs items; auto: the "
        "first of docker and podman that answers.",
    )
    level: Annotated[Level, Field(strict=False)] = Field(
        default=Level.LOAD,
        description="load: execute the code without its main, and resolve every import in it; tests: run its "
        "pytest suite as well.",
    )
    timeout: Duration = Field(default=timedelta(seconds=60), description="Maximum time of one item.")
    memory: Size = Field(default=1 << 30, description="Maximum memory of one container.")
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="Maximum number of containers at the same time."
    )
    max_pull: Size = Field(
        default=10 << 30,
        description="Maximum size of all images that are pulled in one pass; those with most items come "
        "first.",
    )
    arguments: Names = Field(
        default=(), description="More arguments of the run command of the engine, such as --runtime=runsc."
    )


class ScheduleSettings(_Section):
    """When `autobump schedule` runs a pass, and where it serves its health and metrics."""

    cron: CronLine = Field(
        default="0 3 * * 1-5",
        description="When a pass runs: minute, hour, day, month, weekday, as in crontab(5). With six "
        "fields, the first is the second.",
    )
    timezone: TimeZone = Field(default="UTC", description="Time zone of the schedule, such as Europe/Berlin.")
    misfire_grace: Duration = Field(
        default=timedelta(hours=1),
        description="How late a pass may still start. A pass that has not ended this long after it was due "
        "is overdue for /healthz.",
    )
    listen: Address = Field(
        default="127.0.0.1:9464", description="Address and port of /healthz and /metrics; null for none."
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

    repository: RepositoryName = Field(description="GitHub repository, as owner/name.")
    base: BranchName | None = Field(
        default=None, description="Base branch of its pull requests; null: as content.base says."
    )
    root: RepositoryFolder | None = Field(
        default=None, description="Folder that holds its packs; null: as content.root says."
    )
    path: Name | None = Field(
        default=None, description="Clone on this machine; null: autobump keeps a clone of its own."
    )
    policy: PolicySettings | None = Field(
        default=None, description="Keys of policy that differ for this repository."
    )
    rollout: RolloutSettings | None = Field(
        default=None, description="Keys of rollout that differ for this repository."
    )
    pull_requests: PullRequestSettings | None = Field(
        default=None, description="Keys of pull_requests that differ for this repository."
    )


class Settings(_Section):
    """Everything a settings file can say."""

    content: ContentSettings = ContentSettings.model_construct()
    registry: RegistrySettings = RegistrySettings.model_construct()
    policy: PolicySettings = PolicySettings.model_construct()
    rollout: RolloutSettings = RolloutSettings.model_construct()
    pull_requests: PullRequestSettings = PullRequestSettings.model_construct()
    verify: VerifySettings = VerifySettings.model_construct()
    schedule: ScheduleSettings = ScheduleSettings.model_construct()
    repositories: Annotated[tuple[RepositorySettings, ...], Field(strict=False)] = Field(
        default=(), description="Several repositories instead of the one in content."
    )

    def of_repository(self, entry: RepositorySettings) -> "Settings":
        """Return the settings of one of the repositories: the shared ones, and over them its own."""
        content = ContentSettings(
            repository=entry.repository,
            base=entry.base or self.content.base,
            root=entry.root or self.content.root,
        )
        return self.model_copy(
            update={
                "content": content,
                "policy": _lay_over(self.policy, entry.policy),
                "rollout": _lay_over(self.rollout, entry.rollout),
                "pull_requests": _lay_over(self.pull_requests, entry.pull_requests),
                "repositories": (),
            }
        )

    def for_verifying(self, engine: str | None, level: Level | None) -> "Settings":
        """Return the same for a look at every update: with an engine, and without the limits of a pass.

        Args:
            engine: The one to use; None for the one that is set, or the first that answers.
            level: How much to run; None for what is set.
        """
        chosen = engine or (self.verify.engine if self.verify.engine != "none" else "auto")
        verify = self.verify.model_copy(update={"engine": chosen, "level": level or self.verify.level})
        unlimited = {"max_open": _UNLIMITED, "max_new_per_run": _UNLIMITED}
        prs = self.pull_requests.model_copy(update=unlimited)
        return self.model_copy(update={"verify": verify, "pull_requests": prs})

    def with_source(self, tags: str | None) -> "Settings":
        """Return the same with another source of tags, if one is given."""
        if tags is None:
            return self
        return self.model_copy(update={"registry": self.registry.model_copy(update={"source": tags})})

    @property
    def registries(self) -> Registries:
        """The registries that are known."""
        hosts = {
            canonical_host(name): RegistryHost(host.source, host.prefix, host.namespaces)
            for name, host in self.registry.hosts.items()
        }
        return Registries(self.registry.source, self.registry.namespaces, hosts)

    @property
    def eligibility(self) -> EligibilityPolicy:
        """What eligibility needs of the settings."""
        return EligibilityPolicy(
            registries=self.registries,
            auto_update=self.policy.auto_update,
            support=self.policy.support,
            exclude_packs=self.policy.exclude_packs,
            exclude_images=self.policy.exclude_images,
            pin_mutable_tags=self.policy.pin_mutable_tags,
            needs_metadata=self.pull_requests.release_notes,
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
        return Limits(
            prs.max_items,
            prs.max_open,
            prs.max_new_per_run,
            prs.branch_prefix,
            together=prs.group == "batch",
        )


def _lay_over(shared: _Model, own: _Model | None) -> _Model:
    """Return a section with the keys that another one says itself in the place of its own."""
    if own is None:
        return shared
    said = {}
    for name in own.model_fields_set:
        value = getattr(own, name)
        said[name] = _lay_over(getattr(shared, name), value) if isinstance(value, BaseModel) else value
    return shared.model_copy(update=said)
