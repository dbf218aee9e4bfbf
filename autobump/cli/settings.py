"""The commands about settings: config check, show, schema."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from autobump.cli.options import Folder, SettingsChoice, set_option
from autobump.cli.output import show
from autobump.support.errors import ExitCode
from autobump.support.printable import printable

if TYPE_CHECKING:
    from autobump.content.tree import ContentTree

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group("config")
def config_group() -> None:
    """Look at the settings."""


_CHECKED_OPTIONS = (
    click.argument("file", type=click.Path(path_type=Path), required=False),
    click.option(
        "--repo",
        type=Folder(),
        metavar="DIR",
        help="Use the file that a pass over this repository would use.  [default: .]",
    ),
    set_option,
)


def _checked_options(command: _Command) -> _Command:
    for option in reversed(_CHECKED_OPTIONS):
        command = option(command)
    return command


@config_group.command("check")
@_checked_options
def config_check(file: Path | None, repo: Path | None, changes: tuple[str, ...]) -> int:
    """Validate a settings file; without FILE, the one that would be used.

    In a content repository it tells, too, which names in the settings match nothing there.
    """
    from datetime import UTC, datetime

    from autobump.passes.evaluate import read_used_items
    from autobump.settings.checks import find_unused_settings

    tree = _find_content(repo)
    loaded = SettingsChoice(file, changes).load(tree)
    show(f"{printable(loaded.origin)}: settings are valid")
    if tree is not None and not loaded.settings.repositories:
        items = read_used_items(tree, loaded.settings)
        for path, why in find_unused_settings(loaded.settings, items, datetime.now(UTC).date()):
            show(printable(f"note: {loaded.locate(path, why)}"))
    return ExitCode.DONE


@config_group.command("show")
@_checked_options
def configshow(file: Path | None, repo: Path | None, changes: tuple[str, ...]) -> int:
    """Show every setting in force and where it comes from, as YAML.

    Without FILE, as a pass would find them: defaults, then the file, the environment, and --set.
    """
    from autobump.settings.show import show_settings

    show(show_settings(SettingsChoice(file, changes).load(_find_content(repo))), nl=False)
    return ExitCode.DONE


@config_group.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of a settings file, for editors."""
    from autobump.settings.schema import render_schema

    show(render_schema(), nl=False)
    return ExitCode.DONE


def _find_content(repo: Path | None) -> "ContentTree | None":
    from autobump.content.tree import ContentTree, is_repository
    from autobump.support.errors import UsageError

    if repo is not None:
        return ContentTree.open(repo)
    if is_repository(Path()):
        with suppress(UsageError):  # a repository without content has no settings either
            return ContentTree.open(Path())
    return None
