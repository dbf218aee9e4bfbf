import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from autobump.cli import run_command
from autobump.content.yaml.load import load_with_places
from autobump.settings.load import parse_settings
from autobump.settings.schema import render_schema
from autobump.support.errors import SettingsError
from tests.fixtures.golden import check_text
from tests.fixtures.settings import PROFILES, SAMPLE, uncomment_examples

CONFIG = SAMPLE.parent
FILES = (SAMPLE, *sorted(PROFILES.glob("*.yml")))
SCHEMA = json.loads(render_schema())
VALIDATOR = Draft7Validator(SCHEMA)


def accepts(text: str) -> bool:
    """Whether the schema has nothing against a settings file."""
    return bool(VALIDATOR.is_valid(load_with_places(text)[0]))


def walk(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every key of a schema with its path."""
    for key, value in schema.get("properties", {}).items():
        yield f"{path}{key}", value
        yield from walk(value, f"{path}{key}.")
        yield from walk(value.get("items", {}), f"{path}{key}.0.")
        if isinstance(more := value.get("additionalProperties"), dict):
            yield from walk(more, f"{path}{key}.*.")


def test_schema_beside_the_sample_is_the_one_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["config", "schema"]) == 0
    check_text(CONFIG / "autobump.schema.json", capsys.readouterr().out)


def test_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_every_key_has_a_description_and_a_type() -> None:
    keys = dict(walk(SCHEMA))
    assert {"content.repository", "policy.holds.0.reason", "rollout.waves.0.soak"} <= keys.keys()
    assert [path for path, key in keys.items() if not key.get("description", "").endswith(".")] == []
    assert [path for path, key in keys.items() if "type" not in key] == []


def test_no_section_takes_unknown_keys() -> None:
    keys = [SCHEMA, *(key for _, key in walk(SCHEMA))]
    elements = [key.get(name) or {} for key in keys for name in ("items", "additionalProperties")]
    sections = [*keys, *elements]
    assert all(each["additionalProperties"] is False for each in sections if "properties" in each)


def test_defaults_are_taken_by_the_schema_itself() -> None:
    for path, key in walk(SCHEMA):
        if "default" in key:
            assert Draft7Validator(key).is_valid(key["default"]), path


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_our_own_files_fit_the_schema_and_name_it(file: Path) -> None:
    text = file.read_text()
    assert accepts(text)
    named = text.partition("# yaml-language-server: $schema=")[2].splitlines()[0]
    assert (file.parent / named).resolve() == CONFIG / "autobump.schema.json"


def test_commented_examples_fit_the_schema() -> None:
    assert accepts(uncomment_examples())


@pytest.mark.parametrize(
    "text",
    [
        "polcy: {}",
        "policy: []",
        "policy: null",
        "policy: {exclude_pack: [A]}",
        "policy: {auto_update: sometimes}",
        "policy: {auto_update: true}",
        "policy: {support: [gold]}",
        "policy: {support: xsoar}",
        "policy: {pin_mutable_tags: 'yes'}",
        "policy: {pin_mutable_tags: 1}",
        "policy: {risk: {breaking: explode}}",
        "policy: {holds: [{images: [demisto/x], until: 2027-01-01}]}",
        "policy: {holds: [{reason: why, images: [demisto/x], python: 3.11}]}",
        "policy: {holds: [{reason: why, images: [demisto/x], python: '3'}]}",
        "policy: {holds: [{reason: why, images: [demisto/x], max_tag: latest}]}",
        "policy: {holds: [{reason: why, images: [demisto/x], max_tag: 1.5}]}",
        "policy: {holds: [{reason: why, images: [demisto/x], until: tomorrow}]}",
        "policy: {holds: [{reason: why, images: [demisto/x], until: 2027-1-1}]}",
        "policy: {holds: [{reason: '', images: [demisto/x], until: 2027-01-01}]}",
        "content: {repository: nobody}",
        "content: {base: -x}",
        "registry: {source: nowhere}",
        "registry: {source: 'oci:registry.example'}",
        "registry: {namespaces: []}",
        "registry: {namespaces: ['']}",
        "registry: {min_age: 3}",
        "registry: {min_age: 3 fortnights}",
        "registry: {facts: some}",
        "registry: {deprecated_images: some}",
        "registry: {concurrency: 0}",
        "registry: {concurrency: 65}",
        "registry: {concurrency: 8.5}",
        "registry: {cache: ''}",
        "rollout: {waves: {}}",
        "rollout: {waves: [{}]}",
        "rollout: {waves: [{name: '?'}]}",
        "rollout: {waves: [{name: a, max_coverage: 101}]}",
        "rollout: {waves: [{name: a, max_coverage: '80'}]}",
        "rollout: {waves: [{name: a, max_coverage: true}]}",
        "rollout: {waves: [{name: a, nightly: 'true'}]}",
        "rollout: {waves: [{name: a, max_items: 0}]}",
        "pull_requests: {max_items: 0}",
        "pull_requests: {max_items: true}",
        "pull_requests: {max_items: many}",
        "pull_requests: {branch_prefix: ../x/}",
        "pull_requests: {branch_prefix: autobump}",
        "pull_requests: {labels: [" + "x" * 51 + "]}",
        "schedule: {cron: daily}",
        "schedule: {cron: 5}",
        "schedule: {timezone: ''}",
        "schedule: {listen: localhost}",
        "schedule: {listen: 9464}",
    ],
)
def test_what_the_models_refuse_by_structure_the_schema_refuses_too(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_settings(text.encode(), "s.yml")
    assert not accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "schedule: {listen: null}",
        "schedule: {listen: ''}",
        "schedule: {listen: '[::1]:9464'}",
        "schedule: {cron: '*/5 0 3 * * MON'}",
        "registry: {source: 'file:tags.json', facts: none, deprecated_images: dockerfiles}",
        "registry: {source: 'dockerfiles-info:../pages', min_age: 1 week}",
        "rollout: {coverage_report: null, nightly_packs: Tests/conf.json, waves: [{name: a, draft: null}]}",
    ],
)
def test_what_the_models_take_the_schema_takes_too(text: str) -> None:
    parse_settings(text.encode(), "s.yml")
    assert accepts(text)
