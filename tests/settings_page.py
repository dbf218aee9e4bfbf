"""Renders the reference of the settings, `docs/settings.md`, from the JSON Schema of their model."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from autobump.config import BranchName, RepositoryName
from autobump.setting_values import (
    Address,
    CronLine,
    Day,
    DeprecatedImagesName,
    Duration,
    FactsSourceName,
    ImmutableTag,
    PythonVersion,
    TagSourceName,
)
from autobump.settings_schema import render_schema
from autobump.settings_text import write_value

Schema = Mapping[str, Any]

_INTRO = """\
# Settings reference

Every setting has a default, so a settings file holds only what differs from this page.

This page is generated from the program; [CONTRIBUTING](../.github/CONTRIBUTING.md) says how to refresh it.
[How settings are found](how-settings-are-found.md) says which file, environment variable or option wins, and
[config/autobump.yml](../config/autobump.yml) shows every key with its default in one commented file.

A *duration* is a number and a unit, such as `3 days`: seconds, minutes, hours, days or weeks. A *list* is
written as `[a, b]` and replaces the default as a whole. *Required* keys have no default.
"""


def _pattern_of(annotation: Any) -> str:
    """Return the pattern by which a type is known in the schema."""
    pattern: str = TypeAdapter(annotation).json_schema()["pattern"]
    return pattern


_WORDS = {
    _pattern_of(Address): "`address:port`",
    _pattern_of(BranchName): "a branch",
    _pattern_of(CronLine): "[cron fields](service.md#when-a-pass-runs)",
    _pattern_of(Day): "a day, such as `2027-01-31`",
    _pattern_of(DeprecatedImagesName): "`auto`, `none`, `dockerfiles`, `file:PATH`",
    _pattern_of(Duration): "a duration",
    _pattern_of(FactsSourceName): "[source of facts](registries.md#facts-about-images)",
    _pattern_of(ImmutableTag): "an immutable tag",
    _pattern_of(PythonVersion): "a version, such as `3.11`",
    _pattern_of(RepositoryName): "`owner/name`",
    _pattern_of(TagSourceName): "[tag source](registries.md#tag-sources)",
}
_SOURCES = tuple(_pattern_of(each) for each in (DeprecatedImagesName, FactsSourceName, TagSourceName))
_OWN_PATTERNS = {
    "pull_requests.branch_prefix": "text that ends with `/`",
    "rollout.waves.name": "letters, digits, spaces and `_.-`",
    "schedule.timezone": "a time zone",
}
_PLAIN = {"string": "text", "boolean": "`true`, `false`", "integer": "a number", "number": "a number"}
_JSON = re.compile(r"(\{.*\}\})")
_WORD = re.compile(r"autoUpdateDockerImage: \w+|\S+")
_LOOKS_LIKE_CODE = re.compile(
    r"^(?:true|false|null|[*?/])$|^autoUpdate|[\w\[~][/:._][\w/\[]|^/\w|\w_\w|^\"\w+\"$"
)


def render_settings_page() -> str:
    """Return the page: a table for each section, and one for the elements of each list of sections."""
    schema = json.loads(render_schema())
    sections = (section for name, part in schema["properties"].items() for section in _sections(name, part))
    return "\n".join([_INTRO, *sections])


def _sections(path: str, part: Schema) -> Iterator[str]:
    """Yield a section and those inside it; a key that holds no section is a row of the section around it."""
    fields = part.get("properties") or part.get("items", {}).get("properties")
    if fields is None:
        return
    is_list = "properties" not in part
    rows = [
        _row(f"{path}.{key}", key if is_list else f"{path}.{key}", field, is_list and key in _required(part))
        for key, field in fields.items()
        if "properties" not in field or is_list
    ]
    head = f"## `{path}`\n\n{_code((part['items'] if is_list else part)['description'])}\n"
    if is_list:
        head += "\nEach element of the list has these keys:\n"
    yield "\n".join([head, "| key | values | default | |", "| --- | --- | --- | --- |", *rows, ""])
    if not is_list:
        for key, field in fields.items():
            yield from _sections(f"{path}.{key}", field)


def _required(part: Schema) -> list[str]:
    return list(part["items"].get("required", []))


def _row(path: str, shown: str, field: Schema, required: bool) -> str:
    default = "required" if required else f"`{write_value(field.get('default'))}`"
    return f"| `{shown}` | {_values(path, field)} | {default} | {_code(field['description'], field)} |"


def _values(path: str, field: Schema) -> str:
    """Say what a key may be set to.

    Raises:
        KeyError: A pattern has no words here yet.
    """
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    kind = next(name for name in types if name != "null")
    words = _words(path, field, kind)
    return f"{words} or `null`" if "null" in types and "`true`" not in words else words


def _words(path: str, field: Schema, kind: str) -> str:
    if path in _OWN_PATTERNS:
        return _OWN_PATTERNS[path]
    if "properties" in field:
        return f"keys of [`{path.rpartition('.')[2]}`](#{path.rpartition('.')[2]})"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if kind == "array":
        if "properties" in field["items"]:
            return f"[list](#{path.replace('.', '')})"
        return f"list: {_words(path, field['items'], field['items']['type'])}"
    if "pattern" in field:
        return _WORDS[field["pattern"]]
    least, most = field.get("minimum"), field.get("maximum")
    if least is None:
        return _PLAIN[kind]
    return f"{least:g} to {most:g}" if most is not None else f"{least:g} or more"


def _code(text: str, field: Schema | None = None) -> str:
    """Return a description with what is typed or named literally in it as code."""
    names = list(field.get("enum", ())) if field else []
    if field and field.get("pattern") in _SOURCES:
        names += ["auto", "dockerfiles", "dockerhub", "none"]
    parts = _JSON.split(text.replace("|", "\\|"))
    return "".join(
        f"`{part}`" if number % 2 else _WORD.sub(lambda match: _mark(match[0], names), part)
        for number, part in enumerate(parts)
    )


def _mark(word: str, names: Collection[str]) -> str:
    """Put a word between backticks if it is one of the names, or looks like nothing but code."""
    core = word.strip("().,;:")
    # "label: …" explains the value; the label of a pull request is a word.
    literal = core in names and (word.endswith(":") or core not in ("label", "separate", "hold", "ignore"))
    return word.replace(core, f"`{core}`", 1) if literal or _LOOKS_LIKE_CODE.search(core) else word
