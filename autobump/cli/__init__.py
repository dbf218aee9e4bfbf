"""Commands, options and exit codes; no logic.

Nothing heavier than click is imported before a command runs, so that `--help` answers at once.
"""

import errno
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from autobump import __version__
from autobump.support.errors import AutobumpError, ExitCode
from autobump.support.printable import printable
from autobump.support.standard_streams import replace_closed_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autobump.content.tree import ContentTree
    from autobump.passes.open import PassOptions
    from autobump.passes.result import PassResult, RepositoryOutcome
    from autobump.settings.load import LoadedSettings
    from autobump.settings.starter import Question
    from autobump.support.http.request_count import RequestCount
    from autobump.support.progress import Progress

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MACHINE_FAULTS = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE,
        errno.ENOMEM, errno.EACCES, errno.EPERM, errno.EBADF,
    }
)  # fmt: skip
_FORMATS = ("table", "json", "markdown", "html")
_FOR_PROGRAMS = ("json", "html")
_ENDINGS = {".txt": "table", ".json": "json", ".md": "markdown", ".html": "html"}


class _Choice(NamedTuple):
    """What the command line says of the settings: `--config` and `--set`."""

    file: Path | None
    changes: tuple[str, ...]

    def load(self, tree: "ContentTree | None") -> "LoadedSettings":
        from autobump.settings.load import load_settings

        return load_settings(self.file, tree, self.changes)


def main() -> None:
    """Run autobump and leave with its exit code."""
    if sys.getfilesystemencoding() != "utf-8":
        # Paths in git are UTF-8 whatever the locale is; only a new interpreter can change its mind.
        again = [sys.executable, "-X", "utf8", "-m", "autobump", *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606 - itself, without a shell
    replace_closed_streams()
    # Nearly everything that a pass makes is needed to its end: looking for what is not costs a tenth of it.
    gc.set_threshold(100_000, 50, 50)
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are told on stderr."""
    try:
        status = cli.main(arguments, prog_name="autobump", standalone_mode=False)
        return int(status or ExitCode.DONE)
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()  # the help itself, which repeats nothing that was given
        return int(ExitCode.USAGE)
    except click.ClickException as exc:
        # Its text may repeat what was given.
        click.UsageError(printable(exc.format_message()), getattr(exc, "ctx", None)).show()
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        _report_failure("interrupted")
        return int(ExitCode.INTERRUPTED)
    except AutobumpError as exc:
        _report_failure(*exc.lines)
        return int(exc.exit_code)
    except Exception as exc:
        if isinstance(exc, OSError) and exc.errno in _MACHINE_FAULTS:
            where = f": {exc.filename}" if exc.filename else ""
            _report_failure(f"the machine does not let the pass go on: {exc.strerror}{where}")
            return int(ExitCode.FAILED)
        _report_failure("unexpected error; please report it with the lines above", error=exc)
        return int(ExitCode.UNEXPECTED)


def _show(text: str, *, nl: bool = True) -> None:
    """Write to stdout; a reader that has seen enough, such as `head`, changes nothing but that.

    Raises:
        AutobumpError: It cannot be written to: the disk behind it is full, or it is closed.
    """
    try:
        click.echo(text, nl=nl)
    except OSError as exc:
        # What is still to come goes nowhere; click would make it a failure, and Python complain at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(exc, BrokenPipeError):
            raise AutobumpError(f"cannot write the result to stdout: {exc.strerror}") from exc


def _report_failure(*lines: str, error: Exception | None = None) -> None:
    from autobump.support.logs import report_failure

    report_failure(*lines, error=error)


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
    from autobump.support.logs import LogFormat, start_logging

    start_logging(verbose, LogFormat(log_format))


_TAG_OPTIONS = (
    click.option(
        "--tags",
        metavar="SOURCE",
        help="Source of tags: dockerhub, oci:https://host[/prefix], dockerfiles-info[:PATH], file:PATH.",
    ),
    click.option("--refresh", is_flag=True, help="Ignore what registries answered before."),
)


class _Folder(click.Path):
    """A folder on this machine; what is no path is told before it is made one, which takes a slash away."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
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
                type=_Folder(),
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
                callback=_check_globs,
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
            click.option(
                "--repository", metavar="NAME", help="Only this one of the repositories in the settings."
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
    repository: str | None,
) -> int:
    """Say what would change, and why the rest would not; only reads."""
    from autobump.passes.several import plan_each

    _require_places(output_format, output, reports, actions=actions)
    options = _pass_options_of(repo, rev, tags, refresh, paths, packs, images)
    outcomes = plan_each(options, config.load, config.file, repository)
    return _finish(outcomes, output_format, output, reports, actions=actions, strict=strict)


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
    repository: str | None,
    forge: str,
    dry_run: bool,
) -> int:
    """Make the pull requests, refresh them, and close those that are done."""
    from autobump.passes.several import run_each

    _require_places(output_format, output, reports, actions=actions)
    options = _pass_options_of(repo, rev, tags, refresh, paths, packs, images, on_github=forge == "github")
    outcomes = run_each(options, config.load, config.file, repository, forge, dry_run=dry_run)
    return _finish(outcomes, output_format, output, reports, actions=actions, strict=strict)


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
    from autobump.passes.open import open_repository
    from autobump.passes.several import run_due_pass
    from autobump.service.schedule import run_schedule
    from autobump.settings.load import find_named_file
    from autobump.support.logs import log_what_is_done

    options = _pass_options_of(repo, rev, tags, refresh, paths, packs, images, on_github=forge == "github")

    def load() -> "LoadedSettings":
        loaded = config.load(None)
        return loaded if loaded.settings.repositories else open_repository(options, config.load)[1]

    def perform(
        loaded: "LoadedSettings", progress: "Progress", request_count: "RequestCount"
    ) -> "PassResult":
        # Settings that stand in the repository belong to the commit, and are read with each.
        held = loaded if find_named_file(config.file) else None
        return run_due_pass(options, config.load, held, forge, progress, request_count, dry_run=dry_run)

    log_what_is_done()
    return run_schedule(load, perform, repository=_name_repository(forge, repo), at_once=at_once)


@cli.command()
@click.argument("path")
@_repository_options
def explain(path: str, repo: Path | None, rev: str, config: _Choice, tags: str | None, refresh: bool) -> int:
    """Show the decision trail of one item: each rule in order, the fact it saw, and its row of `plan`."""
    from autobump.passes.inspect.explain import explain_item
    from autobump.passes.open import make_pass, open_repository, open_sources
    from autobump.support.progress import open_progress

    options = _pass_options_of(repo, rev, tags, refresh, (), (), ())
    with open_progress() as progress:
        tree, loaded = open_repository(options, config.load)
        this_pass = make_pass(
            options, tree, loaded.settings, open_sources(options, loaded.settings), progress
        )
        lines = list(explain_item(this_pass, path, loaded.origin))
    for line in lines:
        _show(printable(line))
    return ExitCode.DONE


@cli.command("tags")
@click.argument("images", metavar="[IMAGE]...", nargs=-1)
@_TAG_OPTIONS[0]
@_TAG_OPTIONS[1]
@_settings_options
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all tags of the images to a file for --tags file:FILE; without IMAGE, those that items of "
    "--repo or of the repositories in the settings use.",
)
@click.option("--repo", type=_Folder(), metavar="DIR", help="Content repository; only with --export.")
def show_tags(
    images: tuple[str, ...],
    tags: str | None,
    refresh: bool,
    config: _Choice,
    limit: int,
    export: Path | None,
    repo: Path | None,
) -> int:
    """List an image's tags newest first, and mark the chosen one; or write those of many to a file.

    IMAGE is namespace/name, or namespace/name:TAG to choose as for an item on that tag.
    """
    if export is not None:
        return _export_tags(export, images, repo, tags, refresh, config)
    if len(images) != 1:
        raise click.UsageError("name one IMAGE; none or several go with --export FILE alone")
    if repo is not None:
        raise click.UsageError("--repo goes with --export alone")
    from autobump.passes.inspect.explain import explain_tags
    from autobump.passes.open import open_tags

    settings = config.load(None).settings
    source = open_tags(tags, settings, refresh=refresh)
    for line in explain_tags(images[0], source, settings, _now(), limit):
        _show(printable(line))
    return ExitCode.DONE


def _export_tags(
    export: Path, images: tuple[str, ...], repo: Path | None, tags: str | None, refresh: bool, config: _Choice
) -> int:
    from autobump.passes.inspect.tag_export import export_tags
    from autobump.support.files import write_whole

    options = _pass_options_of(repo, "HEAD", tags, refresh, (), (), (), on_github=repo is None)
    text, number = export_tags(options, config.load, config.file, images)
    write_whole(export, text.encode())
    click.echo(f"wrote the tags of {number} images to {printable(str(export))}", err=True)
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
    from autobump.images.sources.facts import open_facts_source
    from autobump.passes.inspect.explain import compare_tags
    from autobump.support.files import find_cache_folder

    registry = config.load(None).settings.registry
    cache = find_cache_folder(registry.cache)
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
    _show(text, nl=False)
    return ExitCode.DONE


@cli.command()
@_settings_options
def matrix(config: _Choice) -> int:
    """Print the repositories in the settings as the matrix of a GitHub Actions workflow."""
    from autobump.passes.several import render_matrix

    settings = config.load(None).settings
    entries = [(one.repository, one.base or settings.content.base) for one in settings.repositories]
    _show(render_matrix(entries or [(settings.content.repository, settings.content.base)]), nl=False)
    return ExitCode.DONE


@cli.command()
def demo() -> int:
    """Show the whole job on a built-in sample: no network, no token."""
    from autobump.demo import run_demo

    run_demo(_show)
    return ExitCode.DONE


@cli.group("config")
def config_group() -> None:
    """Look at the settings."""


_CHECKED_OPTIONS = (
    click.argument("file", type=click.Path(path_type=Path), required=False),
    click.option(
        "--repo",
        type=_Folder(),
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
    """Validate a settings file; without FILE, the one that would be used.

    In a content repository it tells, too, which names in the settings match nothing there.
    """
    from autobump.passes.evaluate import read_used_items
    from autobump.settings.checks import find_unused_settings

    tree = _find_content(repo)
    loaded = _Choice(file, changes).load(tree)
    _show(f"{printable(loaded.origin)}: settings are valid")
    if tree is not None and not loaded.settings.repositories:
        items = read_used_items(tree, loaded.settings)
        for path, why in find_unused_settings(loaded.settings, items, _now().date()):
            _show(printable(f"note: {loaded.locate(path, why)}"))
    return ExitCode.DONE


@config_group.command("show")
@_checked_options
def config_show(file: Path | None, repo: Path | None, changes: tuple[str, ...]) -> int:
    """Show every setting in force and where it comes from, as YAML.

    Without FILE, as a pass would find them: defaults, then the file, the environment, and --set.
    """
    from autobump.settings.show import show_settings

    _show(show_settings(_Choice(file, changes).load(_find_content(repo))), nl=False)
    return ExitCode.DONE


@config_group.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of a settings file, for editors."""
    from autobump.settings.schema import render_schema

    _show(render_schema(), nl=False)
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


@cli.command("init")
@click.option(
    "--repo",
    type=_Folder(),
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
    """Write .github/autobump.yml and a workflow into a content repository; a file that is there stays.

    What is not given as an option is asked for on a terminal.
    """
    from autobump.settings.starter import (
        WORKFLOW_PATH,
        ask_of,
        check_action,
        choose_files,
        find_work_tree,
        write_files,
    )

    if action and no_workflow:
        raise click.UsageError("--action and --no-workflow exclude each other")
    git = find_work_tree(repo)
    files = choose_files(git.directory, workflow=not no_workflow, force=force)
    workflow = WORKFLOW_PATH in files.written
    asked = not yes and sys.stdin.isatty()
    given = {
        "--repository": repository,
        "--base": base,
        "--tags": tags,
        "--policy": policy,
        "--schedule": schedule,
    }
    answers = {
        question.key: _answer(question, given[question.option], asked=asked, workflow=workflow)
        for question in ask_of(git, files)
    }
    if action is not None:
        action = _checked(check_action, action, "--action")
    elif workflow and asked:
        text = "Where the autobump action lives, as OWNER/REPO@REF; nothing for no workflow"
        action = click.prompt(
            text, "", show_default=False, value_proc=lambda text: _checked(check_action, text) if text else ""
        )
    elif workflow:
        raise click.UsageError("name the action with --action OWNER/REPO@REF, or say --no-workflow")
    for path in files.kept:
        _show(f"{path} is there already and stays as it is; --force writes over")
    if written := write_files(git.directory, files, answers, action or None):
        _show("".join(f"wrote {path}\n" for path in written), nl=False)
        _show("Commit what was written: autobump reads the commit, never the work tree.")
    return ExitCode.DONE


def _answer(question: "Question", given: str | None, *, asked: bool, workflow: bool) -> str:
    """Return the answer that was given, or is given now, or counts without one."""
    from autobump.settings.starter import check_answer

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
    return _checked(check, question.default, question.option)


def _checked(check: Callable[[str], str], text: str, option: str | None = None) -> str:
    try:
        return check(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint=option) from exc


def _name_repository(forge: str, repo: Path | None) -> str | None:
    """Return what the log calls the repository; None for what the settings say."""
    return None if forge == "github" else str((repo or Path()).resolve())


def _pass_options_of(
    repo: Path | None,
    rev: str,
    tags: str | None,
    refresh: bool,
    paths: tuple[str, ...],
    packs: tuple[str, ...],
    images: tuple[str, ...],
    *,
    on_github: bool = False,
) -> "PassOptions":
    from autobump.passes.evaluate import Filters
    from autobump.passes.open import PassOptions

    return PassOptions(repo, rev, tags, refresh, Filters(paths, packs, images), on_github)


def _finish(
    outcomes: "Sequence[RepositoryOutcome]",
    output_format: str,
    output: Path | None,
    reports: tuple[Path, ...],
    *,
    actions: bool,
    strict: bool,
) -> int:
    """Write what came of a pass to every place that wants it: files first, whoever reads stdout or leaves.

    A place that cannot be written to keeps the result from no other; without its file it goes to stdout.
    """
    written = [_write_result(outcomes, report, _ENDINGS[report.suffix]) for report in reports]
    commands: tuple[str, ...] = ()
    if actions:
        from autobump.report.actions import report_to_actions

        told = report_to_actions(outcomes, os.environ)
        commands = told.commands
        for failure in told.failures:
            _report_failure(failure)
        written.append(not told.failures)
    if output is not None:
        written.append(_write_result(outcomes, output, output_format))
    if output is None or not written[-1]:
        text = _render_all(outcomes, output_format, colour=None if output is None else False)
        if actions:
            import secrets

            # A line of the result may begin as a command does; only the token makes them work again.
            token = secrets.token_hex(16)
            _show(f"::stop-commands::{token}\n{text}\n::{token}::")
        else:
            _show(text, nl=False)
    for command in commands:
        _show(command)
    problems = any(outcome.result.evaluation.problems for outcome in outcomes if outcome.result)
    failed = any(outcome.failed for outcome in outcomes) or (strict and problems)
    return ExitCode.FAILED if failed or not all(written) else ExitCode.DONE


def _require_places(
    output_format: str, output: Path | None, reports: tuple[Path, ...], *, actions: bool
) -> None:
    """Refuse, before anything is done, places that the result could not be written to."""
    from autobump.support.files import require_writable

    if actions and output is None and output_format in _FOR_PROGRAMS:
        # The runner reads stderr as well, and takes commands of its older form in the midst of a line: around
        # what goes to its log there have to be lines that say so, and those are no JSON.
        raise click.UsageError(
            f"--actions writes to stdout, which then is no {output_format.upper()}; name a file with --output"
        )
    for path in (*reports, *([output] if output else ())):
        require_writable(path)


def _write_result(outcomes: "Sequence[RepositoryOutcome]", path: Path, output_format: str) -> bool:
    """Write the result to a file, or tell on stderr why it cannot be; return whether it was written."""
    from autobump.support.files import write_whole

    try:
        write_whole(path, _render_all(outcomes, output_format, colour=False).encode())
    except AutobumpError as exc:
        _report_failure(str(exc))
        return False
    return True


def _render_all(outcomes: "Sequence[RepositoryOutcome]", output_format: str, *, colour: bool | None) -> str:
    """Write one result as it is, and those of several repositories below their names."""
    from autobump.passes.result import find_only

    if (only := find_only(outcomes)) is not None:
        return _render(only, output_format, colour=colour)
    if output_format == "html":
        from autobump.report.html import render_several_html

        return render_several_html(outcomes)
    from autobump.report.several import render_several_json, render_several_markdown, render_several_table

    def render(result: "PassResult") -> str:
        return _render(result, output_format, colour=colour)

    match output_format:
        case "json":
            return render_several_json(outcomes)
        case "markdown":
            return render_several_markdown(outcomes, render)
        case _:
            return render_several_table(outcomes, render)


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
