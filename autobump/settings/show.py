"""Writes settings as YAML that reads back, each key with where it comes from."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.load import load_with_places
from autobump.settings.cron import explain_cron
from autobump.settings.load import LoadedSettings
from autobump.settings.model import SettingPath
from autobump.settings.variables import SECRETS
from autobump.support.printable import printable
from autobump.support.secrets import find_secret, redact

_PLAIN = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./~:@*+ -]*")
# JSON leaves these as they are, and YAML does not take them.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_COLUMN = 44


def show_settings(loaded: LoadedSettings) -> str:
    """Return the settings in force as YAML: a line for each key, and its origin as a comment."""
    settings = loaded.settings
    everything = settings.model_dump(mode="json")
    # Of holds and waves only what is said of each.
    said = settings.model_dump(mode="json", exclude_defaults=True)
    present = [name for name in SECRETS if find_secret(name)]
    lines = [*_write_section(everything, said, (), loaded), "", "# Secrets in the environment:"]
    lines += [f"#   {name}: ***" for name in present] or ["#   none"]
    return redact("\n".join(lines) + "\n")


def write_value(value: object) -> str:
    """Return a value as YAML on one line."""
    match value:
        case list():
            return f"[{', '.join(map(write_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {write_value(each)}' for key, each in value.items())}}}"
        case str() if _is_plain(value):
            return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _write_section(
    section: Mapping[str, Any], said: Mapping[str, Any], path: SettingPath, loaded: LoadedSettings
) -> Iterator[str]:
    indent = "  " * len(path)
    for key, value in section.items():
        here = (*path, key)
        if isinstance(value, dict) and value:
            yield f"{indent}{write_value(key)}:"
            yield from _write_section(value, said.get(key, {}), here, loaded)
        else:
            line = f"{indent}{key}: {write_value(said.get(key, value))}"
            words = f"{explain_cron(value)}; " if here == ("schedule", "cron") else ""
            origin = printable(str(loaded.origins.get(here, "default")))
            yield f"{line:<{_COLUMN}}  # {words}{origin}"


def _is_plain(text: str) -> bool:
    """Whether a text can stand without quotes, between brackets, too."""
    if not _PLAIN.fullmatch(text):
        return False
    try:
        return bool(load_with_places(f"[{text}]")[0] == [text])
    except YamlFault:
        return False
