"""Options that several commands share, gathered into one value for each thing they are about."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from autobump.forges.name import ForgeName
from autobump.images.spelling import TAG_SOURCE

if TYPE_CHECKING:
    from autobump.content.tree import ContentTree
    from autobump.settings.load import LoadedSettings

_Command = TypeVar("_Command", bound=Callable[..., Any])
FORMATS = ("table", "json", "markdown", "html")
ENDINGS = {".txt": "table", ".json": "json", ".md": "markdown", ".html": "html"}


class SettingsChoice(NamedTuple):
    """What the command line says of the settings: `--config` and `--set`."""

    file: Path | None
    changes: tuple[str, ...]

    def load(self, tree: "ContentTree | None", *, edited: bool = False) -> "LoadedSettings":
        """Load the settings; if no file is named those of a commit, or as they are edited beside it."""
        from autobump.settings.load import load_settings

        return load_settings(self.file, tree, self.changes, edited=edited)

    def load_at(self, repo: Path | None, rev: str = "HEAD") -> "LoadedSettings":
        """Load the settings that a pass over a repository, or over the current folder's, would find."""
        from autobump.passes.open import find_commit

        return self.load(find_commit(repo, rev))


class OutputOptions(NamedTuple):
    """Where the result of a pass goes, and which one.

    Attributes:
        format: How to write it to stdout or `file`.
        file: Where to write it instead of stdout.
        reports: More files, whose endings tell how.
        actions: Whether GitHub Actions is told.
        strict: Whether a problem in the content is a failure.
    """

    format: str
    file: Path | None
    reports: tuple[Path, ...]
    actions: bool
    strict: bool

    @property
    def has_page(self) -> bool:
        """Whether the result is written as a page, there or in a report."""
        return "html" in {self.format, *(ENDINGS[report.suffix] for report in self.reports)}


class Folder(click.Path):
    """A folder on this machine; what is no path is told before it is made one, which takes a slash away."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder; an address is refused."""
        if isinstance(value, str) and "://" in value:
            self.fail(f"{value} is an address; name a folder with a clone of it", param, ctx)
        return super().convert(value, param, ctx)


def _check_globs(
    _context: click.Context, _option: click.Parameter, globs: tuple[str, ...]
) -> tuple[str, ...]:
    for glob in globs:
        if not glob.endswith(".yml") and not any(char in glob for char in "*?["):
            folder = glob.rstrip("/")
            raise click.BadParameter(f"{glob} is no .yml file; for what is in a folder write '{folder}/*'")
    return globs


def _check_endings(
    _context: click.Context, _option: click.Parameter, reports: tuple[Path, ...]
) -> tuple[Path, ...]:
    for report in reports:
        if report.suffix not in ENDINGS:
            raise click.BadParameter(f"{report} ends in none of {', '.join(ENDINGS)}")
    return reports


def _find_output(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """Return the file, or None for stdout, which `-` means as well."""
    return None if file == Path("-") else file


output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_find_output,
    metavar="FILE",
    help="Write the result to a file instead of stdout; - is stdout.",
)
tags_option = click.option(
    "--tags",
    metavar="SOURCE",
    help=f"Source of tags: {', '.join(TAG_SOURCE.forms)}.",
)
refresh_option = click.option("--refresh", is_flag=True, help="Ignore what registries answered before.")
set_option = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set one key, such as pull_requests.max_items=5, above file and environment; repeatable.",
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file.  [default: $AUTOBUMP_CONFIG, then .github/autobump.yml of the commit of --repo]",
)
repo_option = click.option(
    "--repo",
    type=Folder(),
    metavar="DIR",
    help="Content repository; bare and shallow clones are fine.  [default: .]",
)
_repository_options = (
    repo_option,
    click.option("--rev", default="HEAD", metavar="REV", help="Commit to read.  [default: HEAD]"),
)
_filter_options = (
    click.option(
        "--path",
        "paths",
        multiple=True,
        callback=_check_globs,
        metavar="GLOB",
        help="Only items whose path matches; repeatable.",
    ),
    click.option("--pack", "packs", multiple=True, metavar="NAME", help="Only this pack; repeatable."),
    click.option("--image", "images", multiple=True, metavar="NAME", help="Only this image; repeatable."),
)
forge_option = click.option(
    "--forge",
    type=click.Choice([name.value for name in sorted(ForgeName)]),
    default=ForgeName.LOCAL.value,
    show_default=True,
    help="Where pull requests live.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing.")
evidence_option = click.option(
    "--evidence",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="What `autobump verify --format json` wrote, here or on another machine; repeatable.",
)
repository_option = click.option(
    "--repository", metavar="NAME", help="Only this one of the repositories in the settings."
)
_output_options = (
    click.option(
        "--format",
        "output_format",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="How to write the result.",
    ),
    output_option,
    click.option(
        "--report",
        "reports",
        type=click.Path(path_type=Path, dir_okay=False),
        multiple=True,
        callback=_check_endings,
        metavar="FILE",
        help="Write the result to a file, too; .json, .md, .html or .txt tells how. Repeatable.",
    ),
    click.option("--actions", is_flag=True, help="Tell GitHub Actions: job summary, annotations, outputs."),
    click.option("--strict", is_flag=True, help="Exit with 1 when there is a problem in the content."),
)


def settings_options(command: _Command) -> _Command:
    """Add `--config` and `--set`, and give the command both as `config`, a `SettingsChoice`."""

    @wraps(command)
    def gather(*arguments: Any, config: Path | None, changes: tuple[str, ...], **options: Any) -> Any:
        return command(*arguments, config=SettingsChoice(config, changes), **options)

    return cast(_Command, config_option(set_option(gather)))


def pass_options(*, filters: bool = True) -> Callable[[_Command], _Command]:
    """Add what every command that makes a pass takes, and give it `config` and `options`, a `PassOptions`.

    What `--forge` says is in `options`, too, where a command has that option.

    Args:
        filters: Add `--path`, `--pack` and `--image`.
    """
    added = (
        *_repository_options,
        settings_options,
        tags_option,
        refresh_option,
        *(_filter_options if filters else ()),
    )

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def gather(
            *arguments: Any,
            repo: Path | None,
            rev: str,
            tags: str | None,
            refresh: bool,
            paths: tuple[str, ...] = (),
            packs: tuple[str, ...] = (),
            images: tuple[str, ...] = (),
            forge: str | None = None,
            **options: Any,
        ) -> Any:
            from autobump.passes.evaluate import Filters
            from autobump.passes.open import PassOptions

            named = ForgeName(forge) if forge else None
            wanted = PassOptions(repo, rev, tags, refresh, Filters(paths, packs, images), named)
            return command(*arguments, options=wanted, **options)

        for option in reversed(added):
            gather = option(gather)
        return cast(_Command, gather)

    return decorate


def output_options(command: _Command) -> _Command:
    """Add `--format` and the rest, and give the command all of it as `output`, an `OutputOptions`."""

    @wraps(command)
    def gather(
        *arguments: Any,
        output_format: str,
        output: Path | None,
        reports: tuple[Path, ...],
        actions: bool,
        strict: bool,
        **options: Any,
    ) -> Any:
        wanted = OutputOptions(output_format, output, reports, actions, strict)
        return command(*arguments, output=wanted, **options)

    decorated: Any = gather
    for option in reversed(_output_options):
        decorated = option(decorated)
    return cast(_Command, decorated)
