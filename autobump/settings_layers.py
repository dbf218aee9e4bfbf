"""What each place says of the settings, laid over one another: file, environment, command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autobump.config import SettingPath
from autobump.content.yaml_text import YamlFault, load_with_places
from autobump.errors import SettingsError, SettingsFault

VARIABLE_PREFIX = "AUTOBUMP__"
"""Environment variables that begin with it set one key: `AUTOBUMP__PULL_REQUESTS__MAX_ITEMS`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting comes from.

    Attributes:
        name: A file, `$VARIABLE`, or `--set KEY`.
        line: From 1; 0 where there are no lines.
        column: From 1; 0 where there are no lines.
    """

    name: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line else self.name

    def fault(self, message: str) -> SettingsFault:
        """Return what is wrong here."""
        return SettingsFault(self.name, self.line, self.column, message)


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings that were not checked yet, and the origin of every key and element.

    Attributes:
        data: Nested keys.
        origins: By path; what has none here is a default.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[SettingPath, Origin] = field(default_factory=dict)


def read_file_layer(data: bytes, file: str) -> Layer:
    """Read a settings file.

    Args:
        data: The file.
        file: How it is called in errors.

    Raises:
        SettingsError: It is no YAML, or no mapping.
    """
    try:
        loaded, places = load_with_places(data.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise SettingsError((Origin(file).fault("not valid UTF-8"),)) from exc
    except YamlFault as exc:
        raise SettingsError((Origin(file, exc.line, exc.column).fault(exc.detail),)) from exc
    if not isinstance(loaded, dict | None):
        raise SettingsError((Origin(file, 1, 1).fault("the file must be a mapping of keys"),))
    return Layer(loaded or {}, {path: Origin(file, *place) for path, place in places.items()})


def read_environment_layer(environ: Mapping[str, str]) -> Layer:
    """Read every variable `AUTOBUMP__SECTION__KEY`; its value is YAML, and an empty one says nothing.

    Raises:
        SettingsError: A value is no YAML.
    """
    return lay_over(
        _read_value(tuple(name.removeprefix(VARIABLE_PREFIX).lower().split("__")), value, Origin(f"${name}"))
        for name, value in sorted(environ.items())
        if name.startswith(VARIABLE_PREFIX) and value.strip()
    )


def read_command_line_layer(changes: Iterable[str]) -> Layer:
    """Read what `--set` was given, `section.key=value` each with a YAML value; the last one counts.

    Raises:
        SettingsError: A change is written in another way, or its value is no YAML.
    """
    return lay_over(_read_change(change) for change in changes)


def lay_over(layers: Iterable[Layer]) -> Layer:
    """Return what layers say together: keys of later ones count, lists and values as a whole."""
    data: dict[str, Any] = {}
    origins: dict[SettingPath, Origin] = {}
    for layer in layers:
        replaced: set[SettingPath] = set()
        data = _merge(data, layer.data, (), replaced)
        kept = {
            path: origin
            for path, origin in origins.items()
            if not any(path[:length] in replaced for length in range(1, len(path) + 1))
        }
        origins = {**kept, **layer.origins}
    return Layer(data, origins)


def _merge(
    below: Mapping[str, Any], above: Mapping[str, Any], path: SettingPath, replaced: set[SettingPath]
) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            merged[key] = _merge(below[key], value, (*path, key), replaced)
        else:
            merged[key] = value
            replaced.add((*path, key))
    return merged


def _read_change(change: str) -> Layer:
    key, equals, value = change.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise SettingsError((Origin("--set").fault(f'"{change}" must be section.key=value'),))
    return _read_value(path, value, Origin(f"--set {key.strip()}"))


def _read_value(path: tuple[str, ...], text: str, origin: Origin) -> Layer:
    try:
        value, places = load_with_places(text)
    except YamlFault as exc:
        raise SettingsError((origin.fault(exc.detail),)) from exc
    paths = [path[:length] for length in range(1, len(path) + 1)] + [(*path, *inner) for inner in places]
    for key in reversed(path):
        value = {key: value}
    return Layer(value, dict.fromkeys(paths, origin))
