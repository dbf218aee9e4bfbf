"""Commands, options and exit codes; no logic.

Nothing heavier than click is imported before a command runs, so that `--help` answers at once.
"""

import errno
import os
import secrets
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
    from autobump.images.sources import FactsSource, TagSource
    from autobump.progress import Progress
    from autobump.run import Pass, PassResult
    from autobump.traffic import Traffic

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MACHINE_FAULTS = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE,
        errno.ENOMEM, errno.EACCES, errno.EPERM,
    }
)  # fmt: skip
_FORMATS = ("table", "json", "markdown", "html")
_ENDINGS = {".txt": "table", ".json": "json", ".md": "markdown", ".html": "html"}


class _Interrupted(Exception):
    """Ctrl-C; click would make it an ordinary failure."""


def main() -> None:
    """Run autobump and leave with its exit code."""
    if sys.getfilesystemencoding() != "utf-8":
        # Paths in git are UTF-8 whatever the locale is; only a new interpreter can change its mind.
        again = [sys.executable, "-X", "utf8", "-m", "autobump", *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606 - itself, without a shell
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
        _tell_failure("interrupted")
        return int(ExitCode.INTERRUPTED)
    except AutobumpError as exc:
        _tell_failure(str(exc))
        return int(exc.exit_code)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except Exception as exc:
        if isinstance(exc, OSError) and exc.errno in _MACHINE_FAULTS:
            where = f": {exc.filename}" if exc.filename else ""
            _tell_failure(f"the machine does not let the pass go on: {exc.strerror}{where}")
            return int(ExitCode.FAILED)
        _tell_failure("unexpected error; please report it with the lines above", exc)
        return int(ExitCode.UNEXPECTED)


def _tell_failure(text: str, error: Exception | None = None) -> None:
    from autobump.logs import tell_failure

    tell_failure(text, error)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autobump")
@click.option(
    "-v", "--verbose", count=True, help="Tell on stderr what is being done; twice for every detail."
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the lines on stderr are written.",
)
def cli(verbose: int, log_format: str) -> None:
    """Keep the Docker images of Cortex XSOAR/XSIAM content current.

    Exit codes: 0 done, 1 done but something failed, 2 wrong usage or settings, 3 unexpected error,
    130 interrupted.
    """
    from autobump.logs import LogFormat, start_logging

    start_logging(verbose, LogFormat(log_format))


_TAG_OPTIONS = (
    click.option(
        "--tags",
        metavar="SOURCE",
        help="Source of tags: dockerhub, oci:https://host[/prefix], dockerfiles-info[:PATH], file:PATH.",
    ),
    click.option("--refresh", is_flag=True, help="Ignore what registries answered before."),
)


def _check_endings(
    _context: click.Context, _option: click.Parameter, reports: tuple[Path, ...]
) -> tuple[Path, ...]:
    for report in reports:
        if report.suffix not in _ENDINGS:
            raise click.BadParameter(f"{report} ends in none of {', '.join(_ENDINGS)}")
    return reports


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


def _filter_options(command: _Command) -> _Command:
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
        )
    ):
        command = option(command)
    return _repository_options(command)


def _pass_options(command: _Command) -> _Command:
    for option in reversed(
        (
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
                "--report",
                "reports",
                type=click.Path(path_type=Path, dir_okay=False),
                multiple=True,
                callback=_check_endings,
                metavar="FILE",
                help="Write the result to a file, too; .json, .md, .html or .txt tells how. Repeatable.",
            ),
            click.option(
                "--actions", is_flag=True, help="Tell GitHub Actions: job summary, annotations, outputs."
            ),
            click.option(
                "--strict", is_flag=True, help="Exit with 1 when there is a problem in the content."
            ),
        )
    ):
        command = option(command)
    return _filter_options(command)


def _forge_options(command: _Command) -> _Command:
    for option in reversed(
        (
            click.option(
                "--forge",
                type=click.Choice(["github", "local"]),
                default="local",
                show_default=True,
                help="Where pull requests live.",
            ),
            click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing."),
        )
    ):
        command = option(command)
    return command


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
    reports: tuple[Path, ...],
    actions: bool,
    strict: bool,
) -> int:
    """Say what would change, and why the rest would not; only reads."""
    from autobump.progress import open_progress

    with open_progress() as progress:
        this_pass = _open_pass(repo, rev, config, tags, refresh, paths, packs, images, progress)
        result = this_pass.plan()
    return _finish(result, output_format, output, reports, actions=actions, strict=strict)


@cli.command()
@_pass_options
@_forge_options
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
    reports: tuple[Path, ...],
    actions: bool,
    strict: bool,
    forge: str,
    dry_run: bool,
) -> int:
    """Make the pull requests, refresh them, and close those that are done."""
    from autobump.logs import log_fields, name_run
    from autobump.perform import perform_pass
    from autobump.progress import open_progress

    with open_progress() as progress:
        this_pass = _open_pass(
            repo, rev, config, tags, refresh, paths, packs, images, progress, on_github=forge == "github"
        )
        cache = _find_cache_folder(this_pass.settings.registry.cache)
        repository = _name_repository(forge, repo) or this_pass.settings.content.repository
        with log_fields(run=name_run(), repository=repository):
            result = perform_pass(this_pass, forge, dry_run=dry_run, cache=cache)
    return _finish(result, output_format, output, reports, actions=actions, strict=strict)


@cli.command()
@_filter_options
@_forge_options
@click.option(
    "--now", "at_once", is_flag=True, help="Make the first pass now, and then keep to the schedule."
)
def schedule(
    repo: Path | None,
    rev: str,
    config: Path | None,
    tags: str | None,
    refresh: bool,
    paths: tuple[str, ...],
    packs: tuple[str, ...],
    images: tuple[str, ...],
    forge: str,
    dry_run: bool,
    at_once: bool,
) -> int:
    """Repeat `run` when schedule.cron of the settings says so, until it is told to stop.

    SIGTERM and Ctrl-C let it end the pull request it is at; SIGHUP loads the settings again.
    """
    from autobump.config import find_named_file
    from autobump.logs import log_what_is_done
    from autobump.perform import perform_pass
    from autobump.schedule import run_schedule

    clone = forge == "github"

    def load() -> "LoadedSettings":
        return _open_repository(repo, rev, config, clone=clone)[1]

    def perform(loaded: "LoadedSettings", progress: "Progress", traffic: "Traffic") -> "PassResult":
        # Settings that stand in the repository belong to the commit, and are read with each.
        held = loaded if find_named_file(config) else None
        this_pass = _open_pass(
            repo, rev, config, tags, refresh, paths, packs, images, progress,
            on_github=clone, held=held, traffic=traffic,
        )  # fmt: skip
        cache = _find_cache_folder(this_pass.settings.registry.cache)
        return perform_pass(this_pass, forge, dry_run=dry_run, cache=cache, traffic=traffic)

    log_what_is_done()
    return run_schedule(load, perform, repository=_name_repository(forge, repo), at_once=at_once)


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
    facts = _open_facts(tags, loaded.settings)
    for line in explain_item(tree, path, loaded, source, _now(), facts):
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


@cli.command("diff")
@click.argument("image")
@click.argument("old")
@click.argument("new")
@click.option(
    "--facts",
    metavar="SOURCE",
    help="Source of facts: dockerfiles-info[:PATH] or file:PATH.  [default: registry.facts]",
)
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings file.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="How to write the result.",
)
def show_diff(
    image: str, old: str, new: str, facts: str | None, config: Path | None, output_format: str
) -> int:
    """Show what changes inside an image between two tags: Python, system, packages, licences.

    IMAGE is namespace/name; OLD and NEW are tags of it.
    """
    from autobump.config import load_settings
    from autobump.explain import compare_tags
    from autobump.images.sources.facts import open_facts_source

    registry = load_settings(config, None).settings.registry
    cache = _find_cache_folder(registry.cache)
    source = open_facts_source(facts or registry.facts, registry.source, cache, registry.concurrency)
    named = compare_tags(image, old, new, source)
    match output_format:
        case "json":
            from autobump.report.diff import render_diff_json

            text = render_diff_json(named)
        case "markdown":
            from autobump.report.diff import render_diff_markdown

            text = render_diff_markdown(named)
        case _:
            from autobump.report.diff import render_diff_table

            terminal = sys.stdout.isatty()
            text = render_diff_table(named, None if terminal else 200, colour=terminal)
    click.echo(text, nl=False)
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


def _name_repository(forge: str, repo: Path | None) -> str | None:
    """Return what the log calls the repository; None for what the settings say."""
    return None if forge == "github" else str((repo or Path()).resolve())


def _open_repository(
    repo: Path | None,
    rev: str,
    config: Path | None,
    *,
    clone: bool = False,
    held: "LoadedSettings | None" = None,
) -> "tuple[ContentTree, LoadedSettings]":
    from autobump.config import load_settings
    from autobump.content.tree import ContentTree, is_repository

    if repo is None and clone and not is_repository(Path()):
        tree = _open_clone((held or load_settings(config, None)).settings)
    else:
        tree = ContentTree.open(repo or Path(), rev)
    return tree, held or load_settings(config, tree)


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
    held: "LoadedSettings | None" = None,
    traffic: "Traffic | None" = None,
) -> "Pass":
    from autobump.content.facts_cache import FactsCache
    from autobump.images.sources.deprecated import open_deprecated_images
    from autobump.images.sources.facts import open_facts_source
    from autobump.judge import Filters
    from autobump.rollout import load_wave_facts
    from autobump.run import Pass

    tree, loaded = _open_repository(repo, rev, config, clone=on_github, held=held)
    source = _open_source(tags, loaded.settings, refresh=refresh, traffic=traffic)
    settings = loaded.settings
    folder, spelling = _find_cache_folder(settings.registry.cache), tags or settings.registry.source
    facts = open_facts_source(settings.registry.facts, spelling, folder, settings.registry.concurrency)
    deprecated = open_deprecated_images(settings.registry.deprecated_images, spelling)
    links = _find_links(settings) if on_github else ""
    filters = Filters(paths, packs, images)
    return Pass(
        tree,
        settings,
        source,
        _now(),
        progress,
        filters,
        FactsCache(folder),
        facts,
        deprecated,
        links,
        load_wave_facts(settings.rollout, tree),
    )


def _open_source(
    tags: str | None, settings: "Settings", *, refresh: bool, traffic: "Traffic | None" = None
) -> "TagSource":
    from autobump.images.sources import SourceOptions, open_tag_source

    registry = settings.registry
    options = SourceOptions(_find_cache_folder(registry.cache), refresh, registry.concurrency, traffic)
    return open_tag_source(tags or registry.source, options)


def _open_facts(tags: str | None, settings: "Settings") -> "FactsSource | None":
    from autobump.images.sources.facts import open_facts_source

    registry = settings.registry
    folder = _find_cache_folder(registry.cache)
    return open_facts_source(registry.facts, tags or registry.source, folder, registry.concurrency)


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
        import logging

        logging.getLogger(__name__).warning("there is no home folder for the cache; going on without one")
        return None


def _finish(
    result: "PassResult",
    output_format: str,
    output: Path | None,
    reports: tuple[Path, ...],
    *,
    actions: bool,
    strict: bool,
) -> int:
    from autobump.files import write_whole

    text = _render(result, output_format, colour=False if output else None)
    if output is None and actions:
        # A line of the result may begin as a command of Actions does; only the token makes them work again.
        token = secrets.token_hex(16)
        click.echo(f"::stop-commands::{token}\n{text}\n::{token}::")
    elif output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text.encode())
    for report in reports:
        write_whole(report, _render(result, _ENDINGS[report.suffix], colour=False).encode())
    if actions:
        from autobump.report.actions import tell_actions

        for command in tell_actions(result, os.environ):
            click.echo(command)
    failed = result.failed or (strict and bool(result.judged.problems))
    return ExitCode.FAILED if failed else ExitCode.DONE


def _render(result: "PassResult", output_format: str, *, colour: bool | None) -> str:
    match output_format:
        case "json":
            from autobump.report.json import render_json

            return render_json(result)
        case "markdown":
            from autobump.report.markdown import render_markdown

            return render_markdown(result)
        case "html":
            from autobump.report.html import render_html

            return render_html(result)
        case _:
            from autobump.report.table import render_table

            return render_table(result, colour=colour)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
