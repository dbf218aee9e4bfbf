"""Finds and loads the settings; every error tells its file, line and column."""

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from autobump.config import Settings
from autobump.content.tree import ContentTree
from autobump.content.yaml_text import YamlFault, load_with_places
from autobump.contradictions import find_contradictions
from autobump.errors import SettingsError, SettingsFault, UsageError

CONFIG_VARIABLE = "AUTOBUMP_CONFIG"
REPOSITORY_PATH = ".github/autobump.yml"

_MAX_SETTINGS_BYTES = 1024 * 1024


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
