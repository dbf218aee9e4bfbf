"""Tells editors what a settings file may say, as a JSON Schema."""

import json
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from autobump.settings.model import Settings
from autobump.settings.values import write_duration, write_size

# The draft that editors know best; nothing newer is needed.
_DRAFT = "http://json-schema.org/draft-07/schema#"


def render_schema() -> str:
    """Return the JSON Schema of a settings file.

    It refuses what the models refuse by structure: unknown keys, wrong types, texts and numbers that cannot
    be. What takes more than a look at one value, such as whether a time zone exists, is left to them.
    """
    schema = Settings.model_json_schema(schema_generator=_Generator)
    sections = schema.pop("$defs")
    document = {"$schema": _DRAFT, "title": "Settings of autobump", **_tidy(schema, sections)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        return write_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _tidy(schema: dict[str, Any], sections: dict[str, Any]) -> dict[str, Any]:
    """Put sections where they are named, and leave out what tells a reader nothing."""
    if "$ref" in schema:
        section = sections[schema["$ref"].rpartition("/")[2]]
        # A section says its own defaults; a choice has one where it is used.
        dropped = ("$ref", "default") if "properties" in section else ("$ref",)
        own = {name: value for name, value in schema.items() if name not in dropped}
        return _tidy({**section, **own}, sections)
    tidied: dict[str, Any] = {}
    for name, value in schema.items():
        match name:
            case "title":
                continue
            case "description":
                tidied[name] = " ".join(value.split())
            case "properties":
                tidied[name] = {key: _tidy(each, sections) for key, each in value.items()}
            case "items":
                tidied[name] = _tidy(value, sections)
            case "additionalProperties" if isinstance(value, dict):
                tidied[name] = _tidy(value, sections)
            case "default" if type(value) is int and schema.get("type") == "string":
                tidied[name] = write_size(value)
            case "anyOf":
                wanted, nothing = value
                inner = _tidy(wanted, sections)
                tidied = inner | {"type": [inner["type"], nothing["type"]]} | tidied
            case _:
                tidied[name] = value
    order = ("description", "type", "properties")
    return {name: tidied[name] for name in (*order, *tidied) if name in tidied}
