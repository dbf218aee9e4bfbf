"""The commands about settings: config check, show, schema."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from autobump.cli.options import SettingsChoice, config_option, repo_option, set_option
from autobump.cli.output import show
from autobump.support.errors import ExitCode
from autobump.support.printable import printable

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group("config")
def config_group() -> None:
    """Look at the settings."""


_CHECKED_OPTIONS = (
    click.argument("file", type=click.Path(path_type=Path), required=False),
    config_option,
    repo_option,
    set_option,
)


def _checked_options(command: _Command) -> _Command:
    """Add what says which settings, and give the command `repo` and `choice`, a `SettingsChoice`."""

    @wraps(command)
    def gather(file: Path | None, config: Path | None, repo: Path | None, changes: tuple[str, ...]) -> Any:
        if file is not None and config is not None and file != config:
            raise click.UsageError(f"FILE and --config name two files: {file} and {config}")
        return command(repo, SettingsChoice(file or config, changes))

    decorated: Any = gather
    for option in reversed(_CHECKED_OPTIONS):
        decorated = option(decorated)
    return cast(_Command, decorated)


@config_group.command("check")
@_checked_options
def config_check(repo: Path | None, choice: SettingsChoice) -> int:
    """Validate a settings file; without FILE, the one that would be used once it is committed.

    In a content repository it tells, too, what is there, and which names in the settings match nothing.
    """
    from datetime import UTC, datetime

    from autobump.content.reader import count_content
    from autobump.content.tree import NoPacksError
    from autobump.passes.evaluate import read_used_items
    from autobump.passes.open import find_commit
    from autobump.settings.checks import find_unused_settings
    from autobump.support.markdown import count

    tree = find_commit(repo)
    loaded = choice.load(tree, edited=True)
    show(f"{printable(loaded.origin)}: settings are valid")
    if tree is not None and not loaded.settings.repositories:
        try:
            tree.choose_root(loaded.settings.content.root)
        except NoPacksError as exc:
            if repo is not None or loaded.settings.content.root is not None:
                raise
            show(printable(f"note: {exc}"))
            return ExitCode.DONE
        packs, files = count_content(tree)
        held = f"root {tree.root}, {count(packs, 'pack')}, {count(files, 'item')}"
        show(printable(f"{tree.git.directory} at {tree.revision[:12]}: {held}"))
        items = read_used_items(tree, loaded.settings)
        for path, why in find_unused_settings(loaded.settings, items, datetime.now(UTC).date()):
            show(printable(f"note: {loaded.locate(path, why)}"))
    return ExitCode.DONE


@config_group.command("show")
@_checked_options
def config_show(repo: Path | None, choice: SettingsChoice) -> int:
    """Show every setting in force and where it comes from, as YAML.

    Without FILE, as a pass would find them: defaults, then the file, the environment, and --set.
    """
    from autobump.settings.show import show_settings

    show(show_settings(choice.load_at(repo)), nl=False)
    return ExitCode.DONE


@config_group.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of a settings file, for editors."""
    from autobump.settings.schema import render_schema

    show(render_schema(), nl=False)
    return ExitCode.DONE
