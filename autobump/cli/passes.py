"""The commands that make passes: plan, verify, run, schedule."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobump.cli.options import (
    OutputOptions,
    SettingsChoice,
    dry_run_option,
    evidence_option,
    forge_option,
    output_options,
    pass_options,
    repository_option,
)
from autobump.cli.output import finish, require_places, show_pull_request
from autobump.decisions.level import Level
from autobump.forges.name import ForgeName
from autobump.support.errors import ExitCode

if TYPE_CHECKING:
    from autobump.content.tree import ContentTree
    from autobump.passes.open import PassOptions
    from autobump.passes.result import PassResult
    from autobump.settings.load import LoadedSettings
    from autobump.support.http.request_count import RequestCount
    from autobump.support.progress import Progress


@click.command()
@pass_options()
@output_options
@repository_option
@click.option("--show", "branch", metavar="BRANCH", help="Print title and body of one pull request instead.")
def plan(
    options: "PassOptions",
    config: SettingsChoice,
    output: OutputOptions,
    repository: str | None,
    branch: str | None,
) -> int:
    """Say what would change, and why the rest would not; only reads."""
    from msgspec.structs import replace

    from autobump.passes.several import plan_each

    require_places(output)
    options = replace(options, for_page=output.has_page)
    outcomes = plan_each(options, config.load, config.file, repository)
    return finish(outcomes, output) if branch is None else show_pull_request(outcomes, branch)


@click.command()
@pass_options()
@output_options
@repository_option
@click.option(
    "--engine",
    type=click.Choice(("docker", "podman", "auto")),
    help="Container engine.  [default: verify.engine, or the first that answers]",
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    help="Load the code, or run its unit tests as well.  [default: verify.level]",
)
@click.option(
    "--forge",
    "open_on",
    type=click.Choice([name.value for name in sorted(ForgeName)]),
    help="Only items in open pull requests there.",
)
@evidence_option
def verify(
    options: "PassOptions",
    config: SettingsChoice,
    output: OutputOptions,
    repository: str | None,
    engine: str | None,
    level: str | None,
    open_on: str | None,
    evidence: tuple[Path, ...],
) -> int:
    """Run items in the old and the new image, without a network, and say what differs.

    Items are chosen as for `plan`, or with --forge by the pull requests that are open. Exits with 1 when an
    update breaks an item.
    """
    from msgspec.structs import replace

    from autobump.passes.several import plan_each

    def load(tree: "ContentTree | None") -> "LoadedSettings":
        loaded = config.load(tree)
        wanted = loaded.settings.for_verifying(engine, Level(level) if level else None)
        return replace(loaded, settings=wanted)

    require_places(output)
    options = replace(options, runs_items=True, evidence=evidence, for_page=output.has_page)
    if open_on is not None:
        from autobump.passes.inspect.open_items import only_open

        options = only_open(options, load, ForgeName(open_on))
    outcomes = plan_each(options, load, config.file, repository)
    status = finish(outcomes, output)
    broken = any(outcome.result.broken for outcome in outcomes if outcome.result)
    return status or (ExitCode.FAILED if broken else ExitCode.DONE)


@click.command()
@pass_options()
@output_options
@repository_option
@forge_option
@dry_run_option
@evidence_option
def run(
    options: "PassOptions",
    config: SettingsChoice,
    output: OutputOptions,
    repository: str | None,
    dry_run: bool,
    evidence: tuple[Path, ...],
) -> int:
    """Make the pull requests, refresh them, and close those that are done."""
    from msgspec.structs import replace

    from autobump.passes.several import run_each

    require_places(output)
    options = replace(options, runs_items=True, evidence=evidence, for_page=output.has_page)
    return finish(run_each(options, config.load, config.file, repository, dry_run=dry_run), output)


@click.command()
@pass_options()
@forge_option
@dry_run_option
@click.option(
    "--now", "at_once", is_flag=True, help="Make the first pass now, and then keep to the schedule."
)
def schedule(options: "PassOptions", config: SettingsChoice, dry_run: bool, at_once: bool) -> int:
    """Repeat `run` when schedule.cron of the settings says so, until it is told to stop.

    What a pass needs is checked first: settings, repository, source of tags, and a forge that lets it in.
    SIGTERM and Ctrl-C let it end the pull request it is at; SIGHUP loads the settings again.
    """
    from msgspec.structs import replace

    from autobump.passes.open import open_repository
    from autobump.passes.several import load_at_start, run_due_pass
    from autobump.service.process import run_schedule
    from autobump.settings.load import find_named_file
    from autobump.support.logs import log_what_is_done

    def load() -> "LoadedSettings":
        loaded = config.load(None)
        return loaded if loaded.settings.repositories else open_repository(options, config.load)[1]

    def run_pass(
        loaded: "LoadedSettings", progress: "Progress", request_count: "RequestCount"
    ) -> "PassResult":
        # Settings that stand in the repository belong to the commit, and are read with each.
        named = loaded if find_named_file(config.file) else None
        return run_due_pass(options, config.load, named, progress, request_count, dry_run=dry_run)

    log_what_is_done()
    options = replace(options, runs_items=True)
    name = None if options.forge is ForgeName.GITHUB else str((options.repo or Path()).resolve())
    loaded = load_at_start(options, config.load, config.file)
    return run_schedule(load, run_pass, loaded=loaded, repository=name, at_once=at_once)
