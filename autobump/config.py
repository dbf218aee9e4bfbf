"""Settings: the models, and loading them with file, line and column in every error."""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from autobump.content.eligibility import EligibilityPolicy
from autobump.content.tree import ContentTree
from autobump.content.yaml_text import YamlFault, load_with_places
from autobump.cron import parse_cron
from autobump.errors import SettingsError, SettingsFault, UsageError
from autobump.planning.plan import Limits
from autobump.planning.risk import RiskPolicy

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


class PolicySettings(_Section):
    """Which items may be updated."""

    auto_update: Literal["opt-out", "python-only"] = "opt-out"
    support: Annotated[
        tuple[Literal["xsoar", "partner", "developer", "community"], ...], Field(strict=False)
    ] = ()
    exclude_packs: Annotated[tuple[Name, ...], Field(strict=False)] = ("ApiModules",)
    exclude_images: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    pin_mutable_tags: bool = False
    risk: RiskSettings = RiskSettings()


class PullRequestSettings(_Section):
    """How pull requests are made."""

    max_items: Annotated[int, Field(ge=1, le=1000)] = 25
    max_open: Annotated[int, Field(ge=0)] = 10
    max_new_per_run: Annotated[int, Field(ge=0)] = 10
    labels: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=50)], ...], Field(strict=False)] = (
        "docker-image-auto-update",
    )
    branch_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*/$")
    ] = "autobump/"
    release_notes: bool = True
    draft: bool = False
    reviewers: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    team_reviewers: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    assignees: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    automerge: bool = False
    write_pause: Duration = timedelta(seconds=1)


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
        return Settings.model_validate({} if loaded is None else loaded)
    except ValidationError as exc:
        faults = [_fault(file, dict(error), places) for error in exc.errors(include_url=False)]
        raise SettingsError(tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))) from exc


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
    path = location
    while path and path not in places:
        path = path[:-1]
    line, column = places.get(path, (1, 1))
    name = ".".join(str(part) for part in location) or "the file"
    return SettingsFault(file, line, column, f"{name}: {_explain(location, error)}")


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
