"""Finds and loads the settings; every error tells where the setting comes from."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct, field
from pydantic import BaseModel, ValidationError

from autobump.content.tree import ContentTree
from autobump.settings.checks import find_conflicts
from autobump.settings.layers import (
    Layer,
    Origin,
    lay_over,
    read_command_line_layer,
    read_environment_layer,
    read_file_layer,
)
from autobump.settings.model import SettingPath, Settings
from autobump.settings.variables import CONFIG_VARIABLE, require_known_variables
from autobump.support.errors import SettingsError, SettingsFault, UsageError
from autobump.support.files import expand_home
from autobump.support.git import GitError

REPOSITORY_PATH = ".github/autobump.yml"

_log = logging.getLogger(__name__)

_MAX_SETTINGS_BYTES = 1024 * 1024


class LoadedSettings(Struct, frozen=True):
    """Settings and where they came from.

    Attributes:
        settings: The settings.
        origin: The file, or `built-in defaults`, and what else had its say.
        origins: The origin of each key that is set, by its path.
    """

    settings: Settings
    origin: str
    origins: Mapping[SettingPath, Origin] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        """`owner/name` of the content repository, where it is set; empty where the default counts."""
        return self.settings.content.repository if ("content", "repository") in self.origins else ""

    def locate(self, path: SettingPath, message: str) -> SettingsFault:
        """Return what is to be said of a setting, with its place."""
        return _locate(path, message, self.origins)


def find_named_file(path: Path | None) -> Path | None:
    """Return the settings file that `--config` (`path`) or `$AUTOBUMP_CONFIG` names, or None."""
    return path or (Path(value) if (value := os.environ.get(CONFIG_VARIABLE)) else None)


def load_settings(
    path: Path | None, tree: ContentTree | None, changes: Sequence[str] = (), *, edited: bool = False
) -> LoadedSettings:
    """Find and load the settings: the defaults, over them the file, the environment, the command line.

    Args:
        path: The file named with `--config`, if any.
        tree: The analysed commit, whose `.github/autobump.yml` counts when no file is named.
        changes: What `--set` was given.
        edited: Read the file in the work tree in place of the commit's, where it is another.

    Returns:
        The settings. The file is the first that exists of: `path`, the one `$AUTOBUMP_CONFIG` names, the
        commit's own.

    Raises:
        SettingsError: The settings cannot be used.
        UsageError: The file named cannot be read.
    """
    require_known_variables(os.environ)
    name, data = _find_file(path, tree, edited=edited)
    layers = {
        # Without a file nothing is parsed: the parser costs more than a plan that remembers everything may.
        name or "built-in defaults": read_file_layer(data, name) if data else Layer(),
        "environment": read_environment_layer(os.environ),
        "command line": read_command_line_layer(changes),
    }
    if find_named_file(path) is None:
        _refuse_machine_settings(layers[name or "built-in defaults"])
    layer = lay_over(layers.values())
    origin, *others = (name for name, layer in layers.items())
    spoken = [origin, *(other for other in others if layers[other].data)]
    return LoadedSettings(_check(layer), ", ".join(spoken), layer.origins)


def _refuse_machine_settings(committed: Layer) -> None:
    """Refuse what a commit may not say of this machine: where files are written, how containers are run."""
    for section, key in (("registry", "cache"), ("verify", "arguments")):
        said = committed.data.get(section)
        value = said.get(key) if isinstance(said, Mapping) else None
        # The defaults are made only where there is something to compare: they cost more than a small plan.
        if value not in (None, []) and value != getattr(getattr(Settings(), section), key):
            what = "choose a folder" if key == "cache" else "give the container engine arguments"
            option = f"AUTOBUMP__{section.upper()}__{key.upper()}"
            detail = f"a commit cannot {what} here; use --config, --set or {option}"
            raise SettingsError((_locate((section, key), detail, committed.origins),))


def parse_settings(data: bytes, file: str) -> Settings:
    """Validate the text of a settings file alone; an empty file means the defaults.

    Args:
        data: The file.
        file: How it is called in errors.

    Raises:
        SettingsError: Lists everything that is wrong, each with its place.
    """
    return _check(read_file_layer(data, file))


def _find_file(path: Path | None, tree: ContentTree | None, *, edited: bool) -> tuple[str, bytes]:
    named = find_named_file(path)
    if named is not None:
        return str(named), _read_file(named)
    data = tree.read_file(REPOSITORY_PATH) if tree is not None else None
    if tree is not None and (uncommitted := _read_uncommitted(tree, data, edited=edited)) is not None:
        _log.warning(
            "the settings file in the work tree does not count before it is committed",
            extra={"file": REPOSITORY_PATH, "commit": tree.revision[:12]},
        )
        if edited:
            return f"{REPOSITORY_PATH} in the work tree", uncommitted
    return (REPOSITORY_PATH, data) if data is not None else ("", b"")


def _read_uncommitted(tree: ContentTree, committed: bytes | None, *, edited: bool) -> bytes | None:
    """Return the settings file of the work tree, if the commit has none or another one.

    Raises:
        UsageError: It cannot be read, and is `edited`: what it says was asked for.
    """
    folder = tree.git.directory.absolute()
    file = next(
        (each for top in (folder, *folder.parents) if (each := top / REPOSITORY_PATH).is_file()), None
    )
    if file is None:
        return None
    try:
        data = _read_file(file)
    except UsageError as exc:
        if _is_of_work_tree(file, tree):
            if edited:
                raise
            _log.warning("the settings file in the work tree does not count", extra={"cause": str(exc)})
        return None
    # Git may check a file out with other line ends than it keeps.
    if committed is not None and data.splitlines() == committed.splitlines():
        return None
    return data if _is_of_work_tree(file, tree) else None


def _is_of_work_tree(file: Path, tree: ContentTree) -> bool:
    """Whether a file lies in the work tree of the analysed repository; asking costs a process."""
    try:
        return Path(tree.git.line("rev-parse", "--show-toplevel")).samefile(file.parent.parent)
    except (GitError, OSError):  # a bare repository has no work tree
        return False


def _read_file(path: Path) -> bytes:
    try:
        with expand_home(path).open("rb") as file:
            data = file.read(_MAX_SETTINGS_BYTES + 1)
    except OSError as exc:
        raise UsageError(f"cannot read the settings in {path}: {exc.strerror}") from exc
    if len(data) > _MAX_SETTINGS_BYTES:
        raise UsageError(f"{path} is no settings file: larger than {_MAX_SETTINGS_BYTES >> 20} MiB")
    return data


def _check(layer: Layer) -> Settings:
    if not layer.data:
        return Settings.model_construct()  # without a look at the models, which cost more than a small plan
    try:
        settings = Settings.model_validate(layer.data)
    except ValidationError as exc:
        wrong = (
            (_without_mark(error["loc"]), _explain(dict(error), layer.origins))
            for error in exc.errors(include_url=False)
        )
        raise _error(wrong, layer) from exc
    if contradictions := list(find_conflicts(settings)):
        raise _error(contradictions, layer)
    return settings


def _without_mark(path: SettingPath) -> SettingPath:
    """Return the path of a key that is wrong itself; pydantic puts a mark behind it."""
    return path[:-1] if path[-1:] == ("[key]",) else path


def _error(wrong: Iterable[tuple[SettingPath, str]], layer: Layer) -> SettingsError:
    faults = [_locate(path, message, layer.origins) for path, message in wrong]
    return SettingsError(tuple(sorted(faults, key=lambda fault: (fault.line, fault.column))))


def _locate(path: SettingPath, message: str, origins: Mapping[SettingPath, Origin]) -> SettingsFault:
    """Name a setting and its origin, or that of the nearest one around it that has one."""
    origin = next(origins[around] for around in _around(path) if around in origins)
    name = ".".join(map(str, path))
    return origin.fault(message if origin.name == f"--set {name}" else f"{name}: {message}")


def _around(path: SettingPath) -> Iterator[SettingPath]:
    while path:
        yield path
        path = path[:-1]


def _explain(error: dict[str, Any], origins: Mapping[SettingPath, Origin]) -> str:
    location: SettingPath = error["loc"]
    origin = origins.get(location)
    # As it is written: in quotes 3.10 is another version than 3.1, which is the number.
    given = (origin and _cut(origin.written)) or _shown(error["input"])
    match error["type"]:
        case "extra_forbidden":
            if elsewhere := _find_sections(str(location[-1])):
                return f"unknown key here; did you mean {' or '.join(elsewhere)}?"
            known = _known_keys(location[:-1])
            close = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            hint = f'did you mean "{close[0]}"?' if close else f"known keys: {', '.join(known)}"
            return f"unknown key; {hint}"
        case "missing":
            return "must be given"
        case "literal_error" | "enum":
            return f"{given} is not {error['ctx']['expected']}"
        case "value_error":
            return f"{given} {error['ctx']['error']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{given} must be a mapping of keys"
        case "tuple_type" | "list_type":
            return f"{given} must be a list"
        case "string_type":
            hint = "; put it in quotes" if isinstance(error["input"], bool | int | float) else ""
            return f"{given} must be text{hint}"
        case "too_short":
            return f"{given} must have {error['ctx']['min_length']} or more"
        case _:
            message = str(error["msg"])
            return f"{given}: {message[:1].lower()}{message[1:]}"


def _known_keys(section: SettingPath) -> list[str]:
    model: type[BaseModel] = Settings
    for part in section:
        if isinstance(part, str) and part in model.model_fields:  # a number or a host names an element
            model = _find_model(model.model_fields[part].annotation)
    return list(model.model_fields)


def _find_sections(key: str) -> list[str]:
    """Return the settings in other sections that have this key."""
    sections = {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    return [f"{name}.{key}" for name, model in sections.items() if key in model.model_fields]


def _find_model(annotation: Any) -> type[BaseModel]:
    """Return the model of a section, or of the elements of a list of sections."""
    candidates = (annotation, *get_args(annotation))
    return next(each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel))


def _shown(value: object) -> str:
    match value:
        case str():
            text = f'"{value}"'
        case None | bool():
            text = {None: "null", True: "true", False: "false"}[value]
        case _:
            text = str(value)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
