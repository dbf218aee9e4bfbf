"""The sample, with every example in force, damaged in every place: told or taken, never a traceback.

Only the section that is damaged is read again.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft7Validator

from autobump.content.yaml.load import load_with_places
from autobump.settings.load import parse_settings
from autobump.settings.model import Settings
from autobump.settings.schema import render_schema
from autobump.settings.show import write_value
from autobump.support.errors import SettingsError
from tests.fixtures.settings import uncomment_examples

TEXT = uncomment_examples()
DATA, PLACES = load_with_places(TEXT)
OTHERS: tuple[Any, ...] = (None, 5, "text", ["text"], {"text": "text"}, True)
STRAY = ("\t", "\x00", "&a ", "*a ", "!x ", "- ", "? ", ": ", "{", "]", "'", "%", "é", "\x85")
NEEDED = {"policy.holds.0.reason", "rollout.waves.0.name"}

Path = tuple[str | int, ...]


def walk(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every key."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        here = (*path, key)
        if isinstance(value, dict):
            yield here
        if isinstance(each, dict | list):
            yield from walk(each, here)


KEYS = tuple(walk(DATA))
SECTIONS = re.split(r"^(?=[a-z])", TEXT, flags=re.MULTILINE)
SCHEMA = Draft7Validator(json.loads(render_schema()))


def changed(path: Path, change: Any) -> Any:
    """Return a key's section with the mapping around it changed in place by `change(mapping, key)`."""
    data = section = deepcopy({path[0]: DATA[path[0]]})
    for part in path[:-1]:
        section = section[part]
    change(section, path[-1])
    return data


def write(data: Any) -> bytes:
    """Return the data as JSON, which is YAML as well."""
    return json.dumps(data, ensure_ascii=False).encode()


def faults(text: bytes) -> list[str]:
    """Return what is wrong with a settings file; anything but settings or faults fails the test."""
    try:
        settings = parse_settings(text, "s.yml")
    except SettingsError as error:
        return [str(fault) for fault in error.faults]
    assert isinstance(settings, Settings)
    return []


def named(path: Path) -> str:
    return ".".join(map(str, path))


def test_sample_with_its_examples_is_valid_and_has_every_section_of_a_list() -> None:
    assert faults(TEXT.encode()) == []
    assert faults(write(DATA)) == faults(write_value(DATA).encode()) == []
    assert {"policy.risk.breaking", "policy.holds.0.until", "rollout.waves.0.automerge"} <= {
        *map(named, KEYS)
    }
    assert len(KEYS) > 65


@pytest.mark.parametrize("path", KEYS, ids=named)
def test_key_can_be_left_out_unless_it_is_needed(path: Path) -> None:
    found = faults(write(changed(path, lambda section, key: section.pop(key))))
    if named(path) in NEEDED:
        assert [fault.split(": ", 1)[1] for fault in found] == [f"{named(path)}: must be given"]
    else:
        # Without it another one may not have its effect.
        assert all("can never match: rollout." in fault for fault in found)


@pytest.mark.parametrize("path", KEYS, ids=named)
def test_misspelt_key_is_told_with_its_right_spelling(path: Path) -> None:
    def misspell(section: dict[str, Any], key: str) -> None:
        section[f"{key[:-1]}q"] = section.pop(key)

    wrong = f"{named(path)[:-1]}q"
    found = [fault.split(": ", 1)[1] for fault in faults(write(changed(path, misspell)))]
    assert f'{wrong}: unknown key; did you mean "{path[-1]}"?' in found


@pytest.mark.parametrize("path", KEYS, ids=named)
def test_unknown_key_beside_it_is_told(path: Path) -> None:
    def add(section: dict[str, Any], key: str) -> None:
        section["unheard-of"] = section[key]

    (fault,) = faults(write(changed(path, add)))
    assert f"{named((*path[:-1], 'unheard-of'))}: unknown key; known keys: " in fault


@pytest.mark.parametrize("path", KEYS, ids=named)
def test_key_that_stands_twice_is_told(path: Path) -> None:
    (section,) = (text for text in SECTIONS if text.startswith(f"{path[0]}:"))
    lines = section.splitlines(keepends=True)
    line, column = PLACES[path]
    line -= TEXT[: TEXT.index(section)].count("\n")
    indent = " " * (column - 1)
    lines.insert(line - 1, f"{lines[line - 1][: column - 1]}{path[-1]}: 5\n")
    lines[line] = indent + lines[line][column - 1 :]
    assert faults("".join(lines).encode()) == [
        f's.yml:{line + 1}:{column}: the key "{path[-1]}" stands twice'
    ]


@pytest.mark.parametrize("path", KEYS, ids=named)
def test_value_of_another_kind_is_told_at_its_key_where_the_schema_refuses_it(path: Path) -> None:
    for other in OTHERS:

        def replace(section: dict[str, Any], key: str, other: Any = other) -> None:
            section[key] = other

        data = changed(path, replace)
        found = [fault for fault in faults(write(data)) if "can never match" not in fault]
        assert all(fault.startswith("s.yml:1:") and f": {named(path)}" in fault for fault in found)
        # Whether a time zone exists takes more than a look at its text.
        if named(path) != "schedule.timezone":
            assert SCHEMA.is_valid(data) is (not found), other


@pytest.mark.parametrize("end", range(0, len(TEXT), 401))
def test_file_that_is_cut_off_is_told_or_taken(end: int) -> None:
    for fault in faults(TEXT[:end].encode()):
        assert fault.startswith("s.yml:")


@pytest.mark.parametrize("character", STRAY)
def test_stray_character_is_told_or_taken(character: str) -> None:
    for section in SECTIONS:
        for place in range(0, len(section), 307):
            for fault in faults((section[:place] + character + section[place:]).encode()):
                assert fault.startswith("s.yml:")
