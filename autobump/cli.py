"""Commands, options and exit codes; no logic.

Nothing heavier than click is imported before a command runs, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from autobump import __version__
from autobump.errors import AutobumpError, ExitCode

if TYPE_CHECKING:
    from autobump.config import LoadedSettings, Settings
    from autobump.content.tree import ContentTree
    from autobump.images.sources import TagSource
    from autobump.progress import Progress
    from autobump.run import Pass, PassResult

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FORMATS = ("table", "json", "markdown", "html")


class _Interrupted(Exception):
    """Ctrl-C; click would make it an ordinary failure."""


def main() -> None:
    """Run autobump and leave with its exit code."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are told on stderr."""
    try:
        status = cli.main(arguments, prog_name="autobump", standalone_mode=False)
        sys.stdout.flush()
        return int(status or ExitCode.DONE)
    except click.ClickException as exc:
        exc.show()
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("autobump: interrupted", err=True)
        return int(ExitCode.INTERRUPTED)
    except AutobumpError as exc:
        click.echo(f"autobump: {exc}", err=True)
        return int(exc.exit_code)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("autobump: unexpected error; please report it with the lines above", err=True)
        return int(ExitCode.UNEXPECTED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autobump")
@click.option(
    "-v", "--verbose", count=True, help="Tell on stderr what is being done; twice for every detail."
)
def cli(verbose: int) -> None:
    """Keep the Docker images of Cortex XSOAR/XSIAM content current.

    Exit codes: 0 done, 1 done but something failed, 2 wrong usage or settings, 3 unexpected error,
    130 interrupted.
    """
    from autobump.logs import start_logging

    start_logging(verbose)


_TAG_OPTIONS = (
    click.option(
        "--tags",
        metavar="SOURCE",
        help="Source of tags: dockerhub, oci:https://host[/prefix], dockerfiles-info[:PATH], file:PATH.",
    ),
    click.option("--refresh", is_flag=True, help="Ignore what registries answered before."),
)


def _repository_options(command: _Command) -> _Command:
    for option in reversed(
        (
            click.option(
                "--repo",
                type=click.Path(path_type=Path),
                metavar="DIR",
                help="Content repository; bare and shallow clones are fine.  [default: .]",
            ),
            click.option("--rev", default="HEAD", metavar="REV", help="Commit to read.  [default: HEAD]"),
            click.option(
                "--config",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Settings file.  [default: $AUTOBUMP_CONFIG, then .github/autobump.yml of the commit]",
            ),
            *_TAG_OPTIONS,
        )
    ):
        command = option(command)
    return command


def _pass_options(command: _Command) -> _Command:
    for option in reversed(
        (
            click.option(
                "--path",
                "paths",
                multiple=True,
                metavar="GLOB",
                help="Only items whose path matches; repeatable.",
            ),
            click.option(
                "--pack", "packs", multiple=True, metavar="NAME", help="Only this pack; repeatable."
            ),
            click.option(
                "--image", "images", multiple=True, metavar="NAME", help="Only this image; repeatable."
            ),
            click.option(
                "--format",
                "output_format",
                type=click.Choice(_FORMATS),
                default="table",
                show_default=True,
                help="How to write the result.",
            ),
            click.option(
                "--output",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Write the result to a file instead of stdout.",
            ),
            click.option(
                "--strict", is_flag=True, help="Exit with 1 when there is a problem in the content."
            ),
        )
    ):
        command = option(command)
    return _repository_options(command)


@cli.command()
@_pass_options
def plan(
    repo: Path | None,
    rev: str,
    config: Path | None,
    tags: str | None,
    refresh: bool,
    paths: tuple[str, ...],
    packs: tuple[str, ...],
    images: tuple[str, ...],
    output_format: str,
    output: Path | None,
    strict: bool,
) -> int:
    """Say what would change, and why the rest would not; only reads."""
    from autobump.progress import open_progress

    with open_progress() as progress:
        this_pass = _open_pass(repo, rev, config, tags, refresh, paths, packs, images, progress)
        result = this_pass.plan()
    return _finish(result, output_format, output, strict=strict)


@cli.command()
@_pass_options
@click.option(
    "--forge",
    type=click.Choice(["github", "local"]),
    default="local",
    show_default=True,
    help="Where pull requests live.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing.")
def run(
    repo: Path | None,
    rev: str,
    config: Path | None,
    tags: str | None,
    refresh: bool,
    paths: tuple[str, ...],
    packs: tuple[str, ...],
    images: tuple[str, ...],
    output_format: str,
    output: Path | None,
    strict: bool,
    forge: str,
    dry_run: bool,
) -> int:
    """Make the pull requests, refresh them, and close those that are done."""
    from autobump.progress import open_progress
    from autobump.pull_requests.forges.open import open_forge

    with open_progress() as progress:
        this_pass = _open_pass(
            repo, rev, config, tags, refresh, paths, packs, images, progress, on_github=forge == "github"
        )
        opened = open_forge(forge, this_pass.tree.git, this_pass.settings, this_pass.now)
        result = this_pass.run(opened, dry_run=dry_run)
    return _finish(result, output_format, output, strict=strict)


@cli.command()
@click.argument("path")
@_repository_options
def explain(
    path: str, repo: Path | None, rev: str, config: Path | None, tags: str | None, refresh: bool
) -> int:
    """Show the decision trail of one item: each rule in order, the fact it saw, and the outcome."""
    from autobump.explain import explain_item

    tree, loaded = _open_repository(repo, rev, config)
    source = _open_source(tags, loaded.settings, refresh=refresh)
    for line in explain_item(tree, path, loaded, source, _now()):
        click.echo(line)
    return ExitCode.DONE


@cli.command("tags")
@click.argument("image")
@_TAG_OPTIONS[0]
@_TAG_OPTIONS[1]
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings file.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
def show_tags(image: str, tags: str | None, refresh: bool, config: Path | None, limit: int) -> int:
    """List an image's tags newest first, and mark the chosen one.

    IMAGE is namespace/name, or namespace/name:TAG to choose as for an item on that tag.
    """
    from autobump.config import load_settings
    from autobump.explain import explain_tags

    settings = load_settings(config, None).settings
    source = _open_source(tags, settings, refresh=refresh)
    for line in explain_tags(image, source, settings, _now(), limit):
        click.echo(line)
    return ExitCode.DONE


@cli.command()
def demo() -> int:
    """Show the whole job on a built-in sample: no network, no token."""
    from autobump.demo import run_demo

    run_demo(click.echo)
    return ExitCode.DONE


@cli.group("config")
def config_group() -> None:
    """Look at the settings."""


@config_group.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Check the file that a pass over this repository would use.",
)
def config_check(file: Path | None, repo: Path | None) -> int:
    """Validate a settings file; without FILE, the one that would be used."""
    from autobump.config import load_settings
    from autobump.content.tree import ContentTree

    tree = ContentTree.open(repo) if repo is not None else None
    loaded = load_settings(file, tree)
    click.echo(f"{loaded.origin}: settings are valid")
    return ExitCode.DONE


def _open_repository(
    repo: Path | None, rev: str, config: Path | None, *, clone: bool = False
) -> "tuple[ContentTree, LoadedSettings]":
    from autobump.config import load_settings
    from autobump.content.tree import ContentTree, is_repository

    if repo is None and clone and not is_repository(Path()):
        tree = _open_clone(load_settings(config, None).settings)
    else:
        tree = ContentTree.open(repo or Path(), rev)
    return tree, load_settings(config, tree)


def _open_clone(settings: "Settings") -> "ContentTree":
    """Open autobump's own clone of the repository that the settings name."""
    from autobump.content.clone import DEFAULT_SERVER, open_clone
    from autobump.content.tree import ContentTree
    from autobump.errors import UsageError
    from autobump.secrets import find_secret, find_text

    cache = _find_cache_folder(settings.registry.cache)
    if cache is None:
        raise UsageError("a clone needs a home folder or registry.cache; or name a repository with --repo")
    server = find_text("GITHUB_SERVER_URL") or DEFAULT_SERVER
    content = settings.content
    git, revision = open_clone(
        cache / "clones", server, content.repository, content.base, find_secret("GITHUB_TOKEN")
    )
    return ContentTree.open(git.directory, revision, env=git.env)


def _open_pass(
    repo: Path | None,
    rev: str,
    config: Path | None,
    tags: str | None,
    refresh: bool,
    paths: tuple[str, ...],
    packs: tuple[str, ...],
    images: tuple[str, ...],
    progress: "Progress",
    *,
    on_github: bool = False,
) -> "Pass":
    from autobump.content.facts_cache import FactsCache
    from autobump.images.sources.deprecated import open_deprecated_images
    from autobump.images.sources.facts import open_facts_source
    from autobump.judge import Filters
    from autobump.run import Pass

    tree, loaded = _open_repository(repo, rev, config, clone=on_github)
    source = _open_source(tags, loaded.settings, refresh=refresh)
    settings = loaded.settings
    folder, spelling = _find_cache_folder(settings.registry.cache), tags or settings.registry.source
    facts = open_facts_source(settings.registry.facts, spelling, folder, settings.registry.concurrency)
    deprecated = open_deprecated_images(settings.registry.deprecated_images, spelling)
    links = _find_links(settings) if on_github else ""
    filters = Filters(paths, packs, images)
    return Pass(
        tree, settings, source, _now(), progress, filters, FactsCache(folder), facts, deprecated, links
    )


def _open_source(tags: str | None, settings: "Settings", *, refresh: bool) -> "TagSource":
    from autobump.images.sources import SourceOptions, open_tag_source

    registry = settings.registry
    options = SourceOptions(_find_cache_folder(registry.cache), refresh, registry.concurrency)
    return open_tag_source(tags or registry.source, options)


def _find_links(settings: "Settings") -> str:
    """Return what a path is put behind to see a file of the base branch on GitHub."""
    from autobump.content.clone import DEFAULT_SERVER
    from autobump.secrets import find_text

    server = (find_text("GITHUB_SERVER_URL") or DEFAULT_SERVER).rstrip("/")
    return f"{server}/{settings.content.repository}/blob/{settings.content.base}/"


def _find_cache_folder(name: str) -> Path | None:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # there is no home folder
        click.echo("autobump: there is no home folder for the cache; going on without one", err=True)
        return None


def _finish(result: "PassResult", output_format: str, output: Path | None, *, strict: bool) -> int:
    match output_format:
        case "json":
            from autobump.report.json import render_json

            text = render_json(result)
        case "markdown":
            from autobump.report.markdown import render_markdown

            text = render_markdown(result)
        case "html":
            from autobump.report.html import render_html

            text = render_html(result)
        case _:
            from autobump.report.table import render_table

            text = render_table(result, colour=False if output else None)
    if output is None:
        click.echo(text, nl=False)
    else:
        from autobump.files import write_whole

        write_whole(output, text.encode())
    failed = result.failed or (strict and bool(result.judged.problems))
    return ExitCode.FAILED if failed else ExitCode.DONE


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
