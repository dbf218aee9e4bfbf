"""Settings: what can be set, and its defaults."""

from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from autobump.content.eligibility import EligibilityPolicy
from autobump.planning.holds import Hold
from autobump.planning.plan import Limits
from autobump.planning.risk import RiskPolicy
from autobump.planning.waves import Wave
from autobump.setting_values import (
    Address,
    CronLine,
    Day,
    Duration,
    ImmutableTag,
    Labels,
    Name,
    Names,
    Percent,
    SupportLevels,
    TimeZone,
)

SettingPath = tuple[str | int, ...]
"""Where a setting stands: keys, and numbers of list elements from 0."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ContentSettings(_Section):
    """Which content repository, and which branch pull requests go to."""

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")] = "demisto/content"
    base: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")] = "master"


class RegistrySettings(_Section):
    """Where tags come from and which are trusted."""

    source: Name = "dockerhub"
    namespaces: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] = ("demisto",)
    min_age: Duration = timedelta()
    facts: Name = "auto"
    deprecated_images: Name = "auto"
    cache: Name = "~/.cache/autobump"
    concurrency: Annotated[int, Field(ge=1, le=64)] = 8


class RiskSettings(_Section):
    """What is done with items that a new image may break."""

    breaking: Literal["separate", "hold", "ignore"] = "separate"
    review: Literal["label", "separate", "ignore"] = "label"


class HoldSettings(_Section):
    """A rule that keeps some items from some tags."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    images: Names = ()
    paths: Names = ()
    packs: Names = ()
    items: Names = ()
    python: Annotated[str, Field(pattern=r"^\d{1,2}\.\d{1,3}$")] | None = None
    max_tag: ImmutableTag | None = None
    skip_tags: Names = ()
    until: Day | None = None

    @property
    def hold(self) -> Hold:
        """The rule itself."""
        return Hold(**{name: getattr(self, name) for name in type(self).model_fields})


class PolicySettings(_Section):
    """Which items may be updated."""

    auto_update: Literal["opt-out", "python-only"] = "opt-out"
    support: SupportLevels = ()
    exclude_packs: Names = ("ApiModules",)
    exclude_images: Names = ()
    pin_mutable_tags: bool = False
    holds: Annotated[tuple[HoldSettings, ...], Field(strict=False)] = ()
    risk: RiskSettings = RiskSettings()


class PullRequestSettings(_Section):
    """How pull requests are made."""

    max_items: Annotated[int, Field(ge=1, le=1000)] = 25
    max_open: Annotated[int, Field(ge=0)] = 10
    max_new_per_run: Annotated[int, Field(ge=0)] = 10
    labels: Labels = ("docker-image-auto-update",)
    branch_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*/$")
    ] = "autobump/"
    release_notes: bool = True
    draft: bool = False
    reviewers: Names = ()
    team_reviewers: Names = ()
    assignees: Names = ()
    automerge: bool = False
    write_pause: Duration = timedelta(seconds=1)


class WaveSettings(_Section):
    """One wave of a rollout."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}$")]
    min_coverage: Percent = 0
    max_coverage: Percent = 100
    support: SupportLevels = ()
    nightly: bool | None = None
    packs: Names = ()
    images: Names = ()
    max_items: Annotated[int, Field(ge=1)] | None = None
    soak: Duration = timedelta()
    labels: Labels = ()
    reviewers: Names = ()
    team_reviewers: Names = ()
    draft: bool | None = None
    automerge: bool | None = None

    @property
    def wave(self) -> Wave:
        """The wave itself."""
        return Wave(**{field.name: getattr(self, field.name) for field in fields(Wave)})


class RolloutSettings(_Section):
    """Updates in waves, one after the other."""

    coverage_report: Name | None = None
    nightly_packs: Name | None = None
    waves: Annotated[tuple[WaveSettings, ...], Field(strict=False)] = ()


class ScheduleSettings(_Section):
    """When `autobump schedule` runs a pass, and where it tells how it goes."""

    cron: CronLine = "0 3 * * 1-5"
    timezone: TimeZone = "UTC"
    misfire_grace: Duration = timedelta(hours=1)
    listen: Address = "127.0.0.1:9464"

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of `listen`, or None."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class Settings(_Section):
    """Everything a settings file can say."""

    content: ContentSettings = ContentSettings()
    registry: RegistrySettings = RegistrySettings()
    policy: PolicySettings = PolicySettings()
    rollout: RolloutSettings = RolloutSettings()
    pull_requests: PullRequestSettings = PullRequestSettings()
    schedule: ScheduleSettings = ScheduleSettings()

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
    def holds(self) -> tuple[Hold, ...]:
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
