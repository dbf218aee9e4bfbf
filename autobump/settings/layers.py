"""What each place says of the settings, laid over one another: file, environment, command line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.load import load_with_places
from autobump.settings.model import SettingPath
from autobump.support.errors import SettingsError, SettingsFault

VARIABLE_PREFIX = "AUTOBUMP__"
"""Environment variables that begin with it set one key: `AUTOBUMP__PULL_REQUESTS__MAX_ITEMS`."""


_WORD = re.compile(r"\s*([^\s,\]}]+)")


class Origin(Struct, frozen=True):
    """Where a setting comes from.

    Attributes:
        name: A file, `$VARIABLE`, or `--set KEY`.
        line: From 1; 0 where there are no lines.
        column: From 1; 0 where there are no lines.
        written: How a number or a truth value is written, `3.10` and not 3.1; empty for all else.
    """

    name: str
    line: int = 0
    column: int = 0
    written: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line else self.name

    def fault(self, message: str) -> SettingsFault:
        """Return what is wrong here."""
        return SettingsFault(self.name, self.line, self.column, message)


class Layer(Struct, frozen=True):
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
        text = data.decode("utf-8-sig")
        loaded, places = load_with_places(text)
    except UnicodeDecodeError as exc:
        raise SettingsError((Origin(file).fault("not valid UTF-8"),)) from exc
    except YamlFault as exc:
        raise SettingsError((Origin(file, exc.line, exc.column).fault(exc.detail),)) from exc
    if not isinstance(loaded, dict | None):
        raise SettingsError((Origin(file, 1, 1).fault("the file must be a mapping of keys"),))
    written = _find_written(text, loaded, places)
    origins = {path: Origin(file, *place, written.get(path, "")) for path, place in places.items()}
    return Layer(loaded or {}, origins)


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
    origins: dict[SettingPath, Origin] = {path[:length]: origin for length in range(1, len(path))}
    written = _find_written(text, value, places)
    for inner in ((), *places):
        origins[*path, *inner] = replace(origin, written=written.get(inner, ""))
    for key in reversed(path):
        value = {key: value}
    return Layer(value, origins)


def _find_written(
    text: str, data: object, places: Mapping[SettingPath, tuple[int, int]]
) -> dict[SettingPath, str]:
    """Return how numbers and truth values are written, by path; one that cannot be told is left out."""
    lines = text.split("\n")
    found = {}
    for path, value in _find_plain(data, ()):
        line, column = places.get(path, (1, 1))
        rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
        if path and isinstance(path[-1], str):
            rest = rest.partition(":")[2]
        word = _WORD.match(rest)
        with suppress(YamlFault):
            # The parser is slow, and needed for few: what is written in a way of its own.
            if word and (word[1] == str(value) or load_with_places(word[1])[0] == value):
                found[path] = word[1]
    return found


def _find_plain(data: object, path: SettingPath) -> Iterator[tuple[SettingPath, bool | int | float]]:
    match data:
        case dict():
            for key, value in data.items():
                yield from _find_plain(value, (*path, key))
        case list():
            for number, value in enumerate(data):
                yield from _find_plain(value, (*path, number))
        case bool() | int() | float():
            yield path, data
