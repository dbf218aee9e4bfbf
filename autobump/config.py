"""Settings: the models, and loading them with file, line and column in every error."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from autobump.content.eligibility import EligibilityPolicy
from autobump.content.tree import ContentTree
from autobump.content.yaml_text import YamlFault, load_with_places
from autobump.cron import parse_cron
from autobump.errors import SettingsError, SettingsFault, UsageError
from autobump.images.reference import Tag, find_immutable_tag
from autobump.planning.holds import Hold
from autobump.planning.plan import Limits
from autobump.planning.risk import RiskPolicy
from autobump.planning.waves import REST, Wave

CONFIG_VARIABLE = "AUTOBUMP_CONFIG"
REPOSITORY_PATH = ".github/autobump.yml"

_DURATION = re.compile(r"(\d{1,5}) (second|minute|hour|day|week)s?")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})")
_MAX_SETTINGS_BYTES = 1024 * 1024


def _parse_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and a unit, such as 3 days (seconds, minutes, hours, days, weeks)")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _check_cron(value: str) -> str:
    parse_cron(value)
    return value


def _check_timezone(value: str) -> str:
    # UTC needs no time zone data, which small container images lack.
    if value != "UTC":
        from zoneinfo import ZoneInfo, available_timezones

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as exc:  # a folder of zones, such as Europe, is an OSError
            close = get_close_matches(value, available_timezones(), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"is no time zone such as Europe/Berlin{hint}") from exc
    return value


def _check_address(value: str | None) -> str | None:
    match = _ADDRESS.fullmatch(value) if value else None
    if value and (match is None or int(match[2]) > 65_535):
        raise ValueError("must be an address and a port, such as 127.0.0.1:9464, or null for none")
    return value or None


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Labels = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=50)], ...], Field(strict=False)]
SupportLevels = Annotated[
    tuple[Literal["xsoar", "partner", "developer", "community"], ...], Field(strict=False)
]
Percent = Annotated[float, Field(ge=0, le=100, strict=False)]


def _parse_tag(value: object) -> object:
    tag = find_immutable_tag(value) if isinstance(value, str) else value
    if not isinstance(tag, Tag):
        raise ValueError("must be an immutable tag: three or more numbers with dots between them")
    return tag


def _parse_day(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _refuse_day()
    except ValueError:
        return _refuse_day()


def _refuse_day() -> object:
    raise ValueError("must be a day, such as 2026-12-31")


ImmutableTag = Annotated[Tag, BeforeValidator(_parse_tag)]
Day = Annotated[date, BeforeValidator(_parse_day)]


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
    dashboard: bool = False
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

    cron: Annotated[str, AfterValidator(_check_cron)] = "0 3 * * 1-5"
    timezone: Annotated[str, AfterValidator(_check_timezone)] = "UTC"
    misfire_grace: Duration = timedelta(hours=1)
    listen: Annotated[str | None, AfterValidator(_check_address)] = "127.0.0.1:9464"

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


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and where they came from (a file name, or `built-in defaults`)."""

    settings: Settings
    origin: str


def find_named_file(path: Path | None) -> Path | None:
    """Return the settings file that `--config` (`path`) or `$AUTOBUMP_CONFIG` names, or None."""
    return path or (Path(value) if (value := os.environ.get(CONFIG_VARIABLE)) else None)


def load_settings(path: Path | None, tree: ContentTree | None) -> LoadedSettings:
    """Find and load the settings.

    Args:
        path: The file named with `--config`, if any.
        tree: The analysed commit, whose `.github/autobump.yml` counts when no file is named.

    Returns:
        The first that exists of: `path`, the file `$AUTOBUMP_CONFIG` names, the commit's own, the defaults.

    Raises:
        SettingsError: The settings cannot be used.
        UsageError: The file named cannot be read.
    """
    named = find_named_file(path)
    if named is not None:
        return LoadedSettings(parse_settings(_read_file(named), str(named)), str(named))
    if tree is not None and (data := tree.read_file(REPOSITORY_PATH)) is not None:
        return LoadedSettings(parse_settings(data, REPOSITORY_PATH), REPOSITORY_PATH)
    return LoadedSettings(Settings(), "built-in defaults")


def parse_settings(data: bytes, file: str) -> Settings:
    """Validate the text of a settings file; an empty file means the defaults.

    Args:
        data: The file.
        file: How it is called in errors.

    Raises:
        SettingsError: Lists everything that is wrong, each with its place.
    """
    try:
        loaded, places = load_with_places(data.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise SettingsError((SettingsFault(file, 0, 0, "not valid UTF-8"),)) from exc
    except YamlFault as exc:
        raise SettingsError((SettingsFault(file, exc.line, exc.column, exc.detail),)) from exc
    try:
        settings = Settings.model_validate({} if loaded is None else loaded)
    except ValidationError as exc:
        faults = [_fault(file, dict(error), places) for error in exc.errors(include_url=False)]
        raise SettingsError(tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))) from exc
    if contradictions := [
        SettingsFault(file, *_place(path, places), f"{_dotted(path)}: {message}")
        for path, message in find_contradictions(settings)
    ]:
        raise SettingsError(tuple(contradictions))
    return settings


def find_contradictions(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path of each setting that can never have its effect beside the others, and why."""
    yield from _contradictory_holds(settings)
    yield from _contradictory_waves(settings)


def _contradictory_holds(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    earlier: dict[tuple[Names, ...], tuple[int, str]] = {}
    for number, hold in enumerate(settings.policy.holds):
        path = ("policy", "holds", number)
        selectors = (hold.images, hold.paths, hold.packs, hold.items)
        if not any(selectors):
            yield path, "a hold must name images, paths, packs or items"
        if not (hold.python or hold.max_tag or hold.skip_tags or hold.until):
            yield path, "a hold must say python, max_tag, skip_tags or until"
        if hold.python is not None:
            other = earlier.setdefault(selectors, (number, hold.python))
            if other[1] != hold.python:
                yield (
                    (*path, "python"),
                    f"overlaps policy.holds.{other[0]}, which wants {other[1]} for the same items",
                )


def _contradictory_waves(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    taken: list[tuple[str, WaveSettings]] = []
    policy = settings.policy
    for number, wave in enumerate(settings.rollout.waves):
        path = ("rollout", "waves", number)
        if wave.name == REST:
            yield (*path, "name"), f'"{REST}" is the name of what no wave takes'
        if wave.name in [name for name, _ in taken]:
            yield (*path, "name"), f'"{wave.name}" stands twice'
        if wave.min_coverage > wave.max_coverage:
            yield path, f"can never match: min_coverage {wave.min_coverage:g} is above {wave.max_coverage:g}"
        if policy.support and wave.support and not set(policy.support) & set(wave.support):
            yield (*path, "support"), "can never match: policy.support has none of these"
        for key, wanted, excluded in (
            ("packs", wave.packs, policy.exclude_packs),
            ("images", wave.images, policy.exclude_images),
        ):
            if wanted and all(_is_excluded(one, excluded) for one in wanted):
                yield (*path, key), f"can never match: policy.exclude_{key} has all of these"
        if wave.images and not any(_may_be_trusted(one, settings.registry.namespaces) for one in wave.images):
            yield (*path, "images"), "can never match: registry.namespaces has none of these owners"
        if wave.nightly is True and settings.rollout.nightly_packs is None:
            yield (*path, "nightly"), "can never match: rollout.nightly_packs names no list"
        if (wave.min_coverage > 0) and settings.rollout.coverage_report is None:
            yield (*path, "min_coverage"), "can never match: rollout.coverage_report names no report"
        for name, other in taken:
            if other.max_items is None and _takes_all_of(other, wave):
                yield path, f"can never match: the wave {name} before it takes the same items"
                break
        taken.append((wave.name, wave))


def _takes_all_of(other: WaveSettings, wave: WaveSettings) -> bool:
    return (
        other.min_coverage <= wave.min_coverage
        and other.max_coverage >= wave.max_coverage
        and (not other.support or (bool(wave.support) and set(wave.support) <= set(other.support)))
        and other.nightly in (None, wave.nightly)
        and (not other.packs or (bool(wave.packs) and set(wave.packs) <= set(other.packs)))
        and (not other.images or (bool(wave.images) and set(wave.images) <= set(other.images)))
    )


def _is_excluded(pattern: str, excluded: Iterable[str]) -> bool:
    return any(fnmatchcase(pattern, one) for one in excluded)


def _may_be_trusted(pattern: str, namespaces: Iterable[str]) -> bool:
    owner = pattern.rpartition("/")[0]
    return any(fnmatchcase(namespace.rpartition("/")[2], owner or "*") for namespace in namespaces)


def _read_file(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(_MAX_SETTINGS_BYTES + 1)
    except OSError as exc:
        raise UsageError(f"cannot read the settings in {path}: {exc.strerror}") from exc
    if len(data) > _MAX_SETTINGS_BYTES:
        raise UsageError(f"{path} is no settings file: larger than {_MAX_SETTINGS_BYTES >> 20} MiB")
    return data


def _fault(
    file: str, error: dict[str, Any], places: dict[tuple[str | int, ...], tuple[int, int]]
) -> SettingsFault:
    location: tuple[str | int, ...] = error["loc"]
    name = _dotted(location) or "the file"
    return SettingsFault(file, *_place(location, places), f"{name}: {_explain(location, error)}")


def _place(
    path: tuple[str | int, ...], places: dict[tuple[str | int, ...], tuple[int, int]]
) -> tuple[int, int]:
    """Return line and column of a value, or of the nearest one around it that stands in the file."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, (1, 1))


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _explain(location: tuple[str | int, ...], error: dict[str, Any]) -> str:
    given = _shown(error["input"])
    match error["type"]:
        case "extra_forbidden":
            known = _known_keys(location[:-1])
            close = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            hint = f'did you mean "{close[0]}"?' if close else f"known keys: {', '.join(known)}"
            return f"unknown key; {hint}"
        case "literal_error":
            return f"{given} is not {error['ctx']['expected']}"
        case "value_error":
            return f"{given} {error['ctx']['error']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{given} must be a mapping of keys"
        case "tuple_type" | "list_type":
            return f"{given} must be a list"
        case _:
            message = str(error["msg"])
            return f"{given}: {message[:1].lower()}{message[1:]}"


def _known_keys(section: tuple[str | int, ...]) -> list[str]:
    model: Any = Settings
    for part in section:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        candidates = (annotation, *get_args(annotation))
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)


def _shown(value: object) -> str:
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= 60 else f"{text[:59]}…"
