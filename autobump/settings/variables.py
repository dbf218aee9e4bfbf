"""The environment variables that autobump reads, and those that only look like one."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel

from autobump.settings.layers import VARIABLE_PREFIX, Origin
from autobump.settings.model import Settings
from autobump.support.errors import SettingsError

CONFIG_VARIABLE = "AUTOBUMP_CONFIG"
SECRETS = (
    "GITHUB_TOKEN",
    "AUTOBUMP_APP_ID",
    "AUTOBUMP_APP_PRIVATE_KEY",
    "DOCKERHUB_USERNAME",
    "DOCKERHUB_TOKEN",
    "AUTOBUMP_REGISTRY_USERNAME",
    "AUTOBUMP_REGISTRY_PASSWORD",
    "AUTOBUMP_REGISTRY_TOKEN",
)
"""Environment variables that hold secrets, or the names that belong to them."""

_OWN = "AUTOBUMP_"
_CLOSE = 0.8
"""From which likeness on a name is taken for a slip; 1 is the same."""


def require_known_variables(environ: Mapping[str, str]) -> None:
    """Refuse variables that look like a setting and are none: without a word they would count for nothing.

    A name is one that looks so when it has two underscores behind the first word, begins with a section of
    the settings, or is nearly that of a setting or of a variable that is read. Others that begin with
    `AUTOBUMP_` belong to somebody else, such as a wrapper, and stay theirs. An empty one says nothing.

    Raises:
        SettingsError: Names each, and what may be meant.
    """
    read = {CONFIG_VARIABLE, *SECRETS}
    suspects = sorted(
        name
        for name, value in environ.items()
        if name.startswith(_OWN)
        and not name.startswith(VARIABLE_PREFIX)
        and name not in read
        and value.strip()
    )
    if not suspects:
        return
    keys = [f"{VARIABLE_PREFIX}{'__'.join(path).upper()}" for path in _find_keys(Settings)]
    names = {_squeeze(name): name for name in (*keys, *read) if name.startswith(_OWN)}
    sections = tuple(f"{key}_" for key in Settings.model_fields)
    faults = []
    for name in suspects:
        squeezed = _squeeze(name)
        close = get_close_matches(squeezed, names, n=1, cutoff=_CLOSE)
        if close or "__" in name or f"{squeezed}_".startswith(sections):
            hint = f"did you mean {names[close[0]]}?" if close else f"a key is {VARIABLE_PREFIX}SECTION__KEY"
            faults.append(Origin(f"${name}").fault(f"unknown variable; {hint}"))
    if faults:
        raise SettingsError(tuple(faults))


def _squeeze(name: str) -> str:
    """Return a variable's name without what it begins with, in small letters and with single underscores."""
    return "_".join(word for word in name.removeprefix(_OWN).lower().split("_") if word)


def _find_keys(model: type[BaseModel], around: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every section and key; what stands in lists has no name of its own."""
    for key, field in model.model_fields.items():
        yield (*around, key)
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _find_keys(section, (*around, key))
