"""The commands that look into things and write nothing to a repository."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobump.cli.options import (
    SettingsChoice,
    output_option,
    pass_options,
    refresh_option,
    repo_option,
    settings_options,
    tags_option,
)
from autobump.cli.output import show
from autobump.forges.name import ForgeName
from autobump.images.spelling import NONE
from autobump.support.errors import ExitCode
from autobump.support.printable import printable

if TYPE_CHECKING:
    from autobump.passes.open import PassOptions


@click.command()
@click.argument("path")
@pass_options(filters=False)
def explain(path: str, options: "PassOptions", config: SettingsChoice) -> int:
    """Show the decision trail of one item: each rule in order, the fact it saw, and its row of `plan`.

    PATH is the item's YAML file, from the top of the repository or from the current folder, or the item's
    name or id. Of a pack, by its name or folder, the items are listed.
    """
    from autobump.passes.inspect.explain import explain_item
    from autobump.passes.open import make_pass, open_repository, open_sources
    from autobump.support.progress import open_progress

    with open_progress() as progress:
        tree, loaded = open_repository(options, config.load)
        sources = open_sources(options, loaded.settings)
        this_pass = make_pass(options, tree, loaded.settings, sources, progress)
        lines = list(explain_item(this_pass, path, loaded.origin))
    _show_columns(lines)
    return ExitCode.DONE


def _show_columns(lines: Iterable[str]) -> None:
    """Write lines of columns, whose last one may go on below itself."""
    from autobump.support.width import find_width, wrap

    width = find_width()
    for line in lines:
        show(wrap(printable(line), width))


@click.command("tags")
@click.argument("images", metavar="[IMAGE]...", nargs=-1)
@tags_option
@refresh_option
@settings_options
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all tags of the images to a file for --tags file:FILE; without IMAGE, those that items of "
    "--repo or of the repositories in the settings use.",
)
@repo_option
def show_tags(
    images: tuple[str, ...],
    tags: str | None,
    refresh: bool,
    config: SettingsChoice,
    limit: int,
    export: Path | None,
    repo: Path | None,
) -> int:
    """List an image's tags newest first, and mark the chosen one; or write those of many to a file.

    IMAGE is [registry/]namespace/name, with :TAG to choose as for an item on that tag.
    """
    if export is not None:
        return _export_tags(export, images, repo, tags, refresh, config)
    if len(images) != 1:
        raise click.UsageError("name one IMAGE; none or several go with --export FILE alone")
    from datetime import UTC, datetime

    from autobump.passes.inspect.tags import explain_tags
    from autobump.passes.open import open_tags

    settings = config.load_at(repo).settings
    source = open_tags(tags, settings, refresh=refresh)
    _show_columns(explain_tags(images[0], source, settings, datetime.now(UTC), limit))
    return ExitCode.DONE


def _export_tags(
    export: Path,
    images: tuple[str, ...],
    repo: Path | None,
    tags: str | None,
    refresh: bool,
    config: SettingsChoice,
) -> int:
    from autobump.passes.evaluate import Filters
    from autobump.passes.inspect.tag_export import export_tags
    from autobump.passes.open import PassOptions
    from autobump.support.files import write_whole

    # Without --repo and outside of a repository it is autobump's own clone that is read.
    forge = ForgeName.GITHUB if repo is None else None
    options = PassOptions(repo, "HEAD", tags, refresh, Filters(), forge)
    text, number = export_tags(options, config.load, config.file, images)
    write_whole(export, text.encode())
    click.echo(f"wrote the tags of {number} images to {printable(str(export))}", err=True)
    return ExitCode.DONE


@click.command("diff")
@click.argument("image")
@click.argument("old")
@click.argument("new")
@click.option(
    "--facts",
    metavar="SOURCE",
    help="Source of facts: dockerfiles-info[:PATH] or file:PATH.  [default: registry.facts]",
)
@settings_options
@repo_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="How to write the result.",
)
def show_diff(
    image: str,
    old: str,
    new: str,
    facts: str | None,
    config: SettingsChoice,
    repo: Path | None,
    output_format: str,
) -> int:
    """Show what changes inside an image between two tags: Python, system, packages, licences.

    IMAGE is [registry/]namespace/name; OLD and NEW are tags of it.
    """
    from autobump.images.advisories.source import open_advisories
    from autobump.images.by_registry import open_facts_by_registry
    from autobump.passes.inspect.diff import compare_advisories, compare_tags
    from autobump.support.files import find_cache_folder

    settings = config.load_at(repo).settings
    registry = settings.registry
    cache = find_cache_folder(registry.cache)
    source = open_facts_by_registry(settings.registries, facts or registry.facts, cache, registry.concurrency)
    named = compare_tags(image, old, new, source)
    advisories = compare_advisories(named.diff, open_advisories(registry.advisories or NONE, cache))
    match output_format:
        case "json":
            from autobump.report.diff import render_diff_json

            text = render_diff_json(named, advisories)
        case "markdown":
            from autobump.report.diff import render_diff_markdown

            text = render_diff_markdown(named, advisories)
        case _:
            from autobump.report.diff import render_diff_table

            text = render_diff_table(named, advisories)
    show(text, nl=False)
    return ExitCode.DONE


@click.command("images")
@click.option(
    "--with",
    "wanted",
    multiple=True,
    metavar="PACKAGE[==VERSION]",
    help="List images whose newest tag has this Python package; repeatable, and all of them count.",
)
@click.option(
    "--in-use",
    "in_use",
    is_flag=True,
    help="List the images of a content repository, at the tags that items are on and would move to.",
)
@pass_options(filters=False)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(("table", "json", "list", "skopeo")),
    default="table",
    show_default=True,
    help="How to write the result; list is one registry/path:tag a line, skopeo what skopeo sync reads.",
)
@output_option
def list_images(
    wanted: tuple[str, ...],
    in_use: bool,
    options: "PassOptions",
    config: SettingsChoice,
    output_format: str,
    output: Path | None,
) -> int:
    """Find an image that has some packages, or list those that a content repository uses.

    With --with, a content repository is needed only to count the items that use each image.
    """
    if in_use is bool(wanted):
        raise click.UsageError("name packages with --with, or --in-use, and not both")
    if output is not None:
        from autobump.support.files import require_writable

        require_writable(output)
    if in_use:
        from autobump.passes.inspect.images_in_use import list_images_in_use

        found = list_images_in_use(options, config.load, config.file)
    else:
        from autobump.passes.inspect.image_search import search_images

        found = search_images(wanted, options, config.load)
    from autobump.report.images import describe_unknown, render_images

    text = render_images(found, output_format, colour=None if output is None else False)
    if output is None:
        show(text, nl=False)
    else:
        from autobump.support.files import write_whole

        write_whole(output, text.encode())
    if output_format in ("list", "skopeo"):
        for line in describe_unknown(found):
            click.echo(line, err=True)
    return ExitCode.FAILED if found.failed else ExitCode.DONE


@click.command()
@pass_options()
@click.option(
    "--by",
    type=click.Choice(("repository", "image")),
    default="repository",
    show_default=True,
    help="What one job of the workflow is about: a repository, or an image that has updates.",
)
def matrix(options: "PassOptions", config: SettingsChoice, by: str) -> int:
    """Print the matrix of a GitHub Actions workflow: the repositories in the settings, or the images."""
    from autobump.passes.several import plan_each, render_image_matrix, render_matrix

    if by == "image":
        show(render_image_matrix(plan_each(options, config.load, config.file, None)), nl=False)
        return ExitCode.DONE
    from autobump.passes.open import find_commit
    from autobump.support.remote import guess_repository

    tree = find_commit(options.repo, options.rev)
    loaded = config.load(tree)
    content, several = loaded.settings.content, loaded.settings.repositories
    name = loaded.repository or (tree and guess_repository(tree.git)) or content.repository
    entries = [(one.repository, one.base or content.base) for one in several]
    show(render_matrix(entries or [(name, content.base)]), nl=False)
    return ExitCode.DONE
