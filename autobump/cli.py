"""Commands, options and exit codes; no logic.

Nothing heavier than click is imported before a command runs, so that `--help` answers at once.
"""

import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from autobump import __version__
from autobump.errors import AutobumpError, ExitCode

if TYPE_CHECKING:
    from autobump.config import Settings
    from autobump.content.tree import ContentTree
    from autobump.images.sources import FactsSource, TagSource
    from autobump.progress import Progress
    from autobump.run import Pass, PassResult
    from autobump.settings_file import LoadedSettings
    from autobump.starter import Question
    from autobump.traffic import Traffic

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FORMATS = ("table", "json", "markdown", "html")
_ENDINGS = {".txt": "table", ".json": "json", ".md": "markdown", ".html": "html"}


class _Interrupted(Exception):
    """Ctrl-C; click would make it an ordinary failure."""


class _Choice(NamedTuple):
    """What the command line says of the settings: `--config` and `--set`."""

    file: Path | None
    changes: tuple[str, ...]

    def load(self, tree: "ContentTree | None") -> "LoadedSettings":
        from autobump.settings_file import load_settings

        return load_settings(self.file, tree, self.changes)


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


def _set_option(command: _Command) -> _Command:
    return click.option(
        "--set",
        "changes",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set one key, such as pull_requests.max_items=5, above file and environment; repeatable.",
    )(command)


def _settings_options(command: _Command) -> _Command:
    """Add `--config` and `--set`, and give the command both as `config`."""

    @wraps(command)
    def choose(*arguments: Any, config: Path | None, changes: tuple[str, ...], **options: Any) -> Any:
        return command(*arguments, config=_Choice(config, changes), **options)

    file_option = click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings file.  [default: $AUTOBUMP_CONFIG, then .github/autobump.yml of the commit, if one is "
        "read]",
    )
    return cast(_Command, file_option(_set_option(choose)))


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
            _settings_options,
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
    config: _Choice,
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
    config: _Choice,
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
    config: _Choice,
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
    from autobump.logs import log_what_is_done
    from autobump.perform import perform_pass
    from autobump.schedule import run_schedule
    from autobump.settings_file import find_named_file

    clone = forge == "github"

    def load() -> "LoadedSettings":
        return _open_repository(repo, rev, config, clone=clone)[1]

    def perform(loaded: "LoadedSettings", progress: "Progress", traffic: "Traffic") -> "PassResult":
        # Settings that stand in the repository belong to the commit, and are read with each.
        held = loaded if find_named_file(config.file) else None
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
def explain(path: str, repo: Path | None, rev: str, config: _Choice, tags: str | None, refresh: bool) -> int:
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
@_settings_options
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
def show_tags(image: str, tags: str | None, refresh: bool, config: _Choice, limit: int) -> int:
    """List an image's tags newest first, and mark the chosen one.

    IMAGE is namespace/name, or namespace/name:TAG to choose as for an item on that tag.
    """
    from autobump.explain import explain_tags

    settings = config.load(None).settings
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
@_settings_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="How to write the result.",
)
def show_diff(image: str, old: str, new: str, facts: str | None, config: _Choice, output_format: str) -> int:
    """Show what changes inside an image between two tags: Python, system, packages, licences.

    IMAGE is namespace/name; OLD and NEW are tags of it.
    """
    from autobump.explain import compare_tags
    from autobump.images.sources.facts import open_facts_source

    registry = config.load(None).settings.registry
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


_CHECKED_OPTIONS = (
    click.argument("file", type=click.Path(path_type=Path), required=False),
    click.option(
        "--repo",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Use the file that a pass over this repository would use.  [default: .]",
    ),
    _set_option,
)


def _checked_options(command: _Command) -> _Command:
    for option in reversed(_CHECKED_OPTIONS):
        command = option(command)
    return command


@config_group.command("check")
@_checked_options
def config_check(file: Path | None, repo: Path | None, changes: tuple[str, ...]) -> int:
    """Validate a settings file; without FILE, the one that would be used."""
    loaded = _load_checked(file, repo, changes)
    click.echo(f"{loaded.origin}: settings are valid")
    return ExitCode.DONE


@config_group.command("show")
@_checked_options
def config_show(file: Path | None, repo: Path | None, changes: tuple[str, ...]) -> int:
    """Show every setting in force and where it comes from, as YAML.

    Without FILE, as a pass would find them: defaults, then the file, the environment, and --set.
    """
    from autobump.settings_text import show_settings

    click.echo(show_settings(_load_checked(file, repo, changes)), nl=False)
    return ExitCode.DONE


@config_group.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of a settings file, for editors."""
    from autobump.settings_schema import render_schema

    click.echo(render_schema(), nl=False)
    return ExitCode.DONE


def _load_checked(file: Path | None, repo: Path | None, changes: tuple[str, ...]) -> "LoadedSettings":
    from autobump.content.tree import ContentTree, is_repository
    from autobump.errors import UsageError

    tree = None
    if repo is not None:
        tree = ContentTree.open(repo)
    elif is_repository(Path()):
        with suppress(UsageError):  # a repository without content has no settings either
            tree = ContentTree.open(Path())
    return _Choice(file, changes).load(tree)


@cli.command("init")
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=".",
    metavar="DIR",
    help="Content repository to write into.  [default: .]",
)
@click.option("--repository", metavar="OWNER/NAME", help="Its name on GitHub.  [default: as its remote says]")
@click.option("--base", metavar="BRANCH", help="Branch that pull requests go to.  [default: as in the clone]")
@click.option("--policy", type=click.Choice(("opt-out", "python-only")), help="Which items may be updated.")
@click.option("--schedule", metavar="CRON", help="When: five fields as in crontab(5), in UTC.")
@_TAG_OPTIONS[0]
@click.option("--action", metavar="OWNER/REPO@REF", help="Where the autobump action lives.")
@click.option("--no-workflow", is_flag=True, help="Write the settings alone.")
@click.option("--yes", is_flag=True, help="Ask nothing: guesses and defaults count.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def init_repository(
    repo: Path,
    repository: str | None,
    base: str | None,
    policy: str | None,
    schedule: str | None,
    tags: str | None,
    action: str | None,
    no_workflow: bool,
    yes: bool,
    force: bool,
) -> int:
    """Write .github/autobump.yml and a workflow into a content repository.

    What is not given as an option is asked for on a terminal.
    """
    from autobump.starter import ask_of, check_action, find_work_tree, refuse_overwriting, write_files

    if action and no_workflow:
        raise click.UsageError("--action and --no-workflow exclude each other")
    git = find_work_tree(repo)
    if not force:
        refuse_overwriting(git.directory, workflow=not no_workflow)
    asked = not yes and sys.stdin.isatty()
    given = (repository, base, tags, policy, schedule)
    answers = {
        question.key: _answer(question, answer, asked=asked, workflow=not no_workflow)
        for question, answer in zip(ask_of(git), given, strict=True)
    }
    if action is None and not no_workflow and asked:
        text = "Where the autobump action lives, as OWNER/REPO@REF; nothing for no workflow"
        action = click.prompt(
            text, "", show_default=False, value_proc=lambda text: _checked(check_action, text) if text else ""
        )
    elif action is not None:
        action = _checked(check_action, action, "--action")
    elif not no_workflow:
        raise click.UsageError("name the action with --action OWNER/REPO@REF, or say --no-workflow")
    for path in write_files(git.directory, answers, action or None):
        click.echo(f"wrote {path}")
    return ExitCode.DONE


def _answer(question: "Question", given: str | None, *, asked: bool, workflow: bool) -> str:
    """Return the answer that was given, or is given now, or counts without one."""
    from autobump.starter import check_answer

    def check(text: str) -> str:
        return check_answer(question.key, text, workflow=workflow)

    if given is not None:
        return _checked(check, given, question.option)
    if asked:
        answer: str = click.prompt(
            question.text, question.default, value_proc=lambda text: _checked(check, text)
        )
        return answer
    if question.default is None:
        raise click.UsageError(f"{question.option} cannot be told from the repository; name it")
    return question.default


def _checked(check: Callable[[str], str], text: str, option: str | None = None) -> str:
    try:
        return check(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint=option) from exc


def _name_repository(forge: str, repo: Path | None) -> str | None:
    """Return what the log calls the repository; None for what the settings say."""
    return None if forge == "github" else str((repo or Path()).resolve())


def _open_repository(
    repo: Path | None,
    rev: str,
    config: _Choice,
    *,
    clone: bool = False,
    held: "LoadedSettings | None" = None,
) -> "tuple[ContentTree, LoadedSettings]":
    from autobump.content.tree import ContentTree, is_repository

    if repo is None and clone and not is_repository(Path()):
        tree = _open_clone((held or config.load(None)).settings)
    else:
        tree = ContentTree.open(repo or Path(), rev)
    return tree, held or config.load(tree)


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
    config: _Choice,
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
