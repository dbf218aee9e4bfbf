"""Passes over one repository, or over several in turn, of which one that fails does not stop the others."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from autobump.content.tree import ContentTree
from autobump.forges.name import ForgeName
from autobump.forges.open import check_access, check_environment
from autobump.images.sources.shared import SharedTags
from autobump.passes.one import Pass, run_on_forge
from autobump.passes.open import (
    LoadSettings,
    PassOptions,
    Sources,
    open_pass,
    open_pass_of,
    open_repository,
    open_sources,
    open_tree_of,
)
from autobump.passes.result import PassResult, RepositoryOutcome, merge_outcomes
from autobump.settings.load import LoadedSettings, find_named_file
from autobump.settings.model import RepositorySettings, Settings
from autobump.support.errors import AutobumpError, ForgeError, UsageError
from autobump.support.files import find_cache_folder
from autobump.support.http.request_count import RequestCount
from autobump.support.lock import LockTakenError
from autobump.support.logs import log_fields, name_run
from autobump.support.progress import Progress, open_progress
from autobump.support.secrets import redact

_log = logging.getLogger(__name__)


def plan_each(
    options: PassOptions, load: LoadSettings, file: Path | None, only: str | None
) -> list[RepositoryOutcome]:
    """Plan the repository that the options name, or each of those in the settings.

    Args:
        options: What the command line says.
        load: Loads the settings.
        file: The settings file named on the command line, if any.
        only: `owner/name` of the only one of several that is meant, if any.
    """
    with open_progress() as progress:
        settings = find_several(options, load, file, only)
        if settings is None:
            return [RepositoryOutcome("", _open_only(options, load, progress).plan())]
        sources = share_sources(options, settings)
        return _over_each(
            settings.repositories,
            only,
            lambda entry: open_pass_of(entry, options, settings, sources, progress).plan(),
        )


def run_each(
    options: PassOptions,
    load: LoadSettings,
    file: Path | None,
    only: str | None,
    *,
    dry_run: bool,
) -> list[RepositoryOutcome]:
    """Run a pass over the repository that the options name, or over each of those in the settings."""
    with open_progress() as progress:
        settings = find_several(options, load, file, only)
        if settings is None:
            this_pass = _open_only(options, load, progress)
            with log_fields(run=name_run(), repository=_name(this_pass, options)):
                return [RepositoryOutcome("", _run(this_pass, options, dry_run=dry_run))]
        return _run_several(settings, only, options, progress, dry_run=dry_run)


def _open_only(options: PassOptions, load: LoadSettings, progress: Progress) -> Pass:
    """Open the pass over one repository, whose own settings do not send it to others."""
    this_pass = open_pass(options, load, progress)
    if this_pass.settings.repositories and options.repo is None:
        _log.warning("repositories listed in a commit do not count; name the file with --config")
    return this_pass


def load_at_start(options: PassOptions, load: LoadSettings, file: Path | None) -> LoadedSettings:
    """Load the settings for passes that are made later, and make sure that these have what they need.

    A forge that cannot be reached may be there when a pass is due; that is logged, and no error.

    Args:
        options: What the command line says.
        load: Loads the settings.
        file: The settings file named on the command line, if any.

    Raises:
        UsageError: A pass could not be made: the settings, the repository, the source of tags or the token
            cannot be used.
    """
    forge = options.forge or ForgeName.LOCAL
    check_environment(forge)
    settings = find_several(options, load, file, None)
    try:
        loaded = load(None) if settings else open_repository(options, load)[1]
    except UsageError:
        raise
    except AutobumpError as exc:
        # Settings in the repository are read with the pass.
        loaded = load(None)
        _log.warning("the repository cannot be fetched now", extra={"cause": str(exc)})
    several = [loaded.settings.of_repository(entry) for entry in settings.repositories] if settings else []
    share_sources(options, loaded.settings)
    for own in several or [loaded.settings]:
        try:
            check_access(forge, own)
        except ForgeError as exc:
            fields = {"repository": own.content.repository, "cause": str(exc)}
            _log.warning("the forge does not answer now; passes are made when they are due", extra=fields)
    for entry in settings.repositories if settings else ():
        if entry.path is not None:
            open_tree_of(entry, options, loaded.settings.of_repository(entry))
    return loaded


def run_due_pass(
    options: PassOptions,
    load: LoadSettings,
    loaded: LoadedSettings | None,
    progress: Progress,
    request_count: RequestCount,
    *,
    dry_run: bool,
) -> PassResult:
    """Make the pass that is due, over one repository or several, and return what came of all together.

    Of several, one that another process is at work on is left out this time, and one that fails is told in
    the result, beside what came of the others.

    Raises:
        LockTakenError: Another process is at work on the repository, or on each of several.
        AutobumpError: It could not be done, or for none of several.
    """
    if loaded is None or not loaded.settings.repositories or options.repo is not None:
        this_pass = open_pass(options, load, progress, loaded=loaded, request_count=request_count)
        return _run(this_pass, options, dry_run=dry_run, request_count=request_count)
    outcomes = _run_several(
        loaded.settings, None, options, progress, dry_run=dry_run, request_count=request_count
    )
    tried = [one for one in outcomes if not one.left_out]
    if not tried:
        raise LockTakenError("; ".join(one.failure for one in outcomes))
    if not any(one.result for one in tried):
        raise AutobumpError("; ".join(f"{one.repository}: {one.failure}" for one in tried))
    return merge_outcomes(tried)


def share_sources(
    options: PassOptions, settings: Settings, request_count: RequestCount | None = None
) -> Sources:
    """Open the sources in such a way that several repositories ask each question once."""
    from autobump.images.by_registry import TagsByRegistry

    sources = open_sources(options, settings, request_count)
    if isinstance(sources.tags, TagsByRegistry):
        sources.tags.load()  # a file that cannot be used is told once, and not for each repository
    return replace(sources, tags=SharedTags(sources.tags))


def open_trees(
    options: PassOptions, load: LoadSettings, file: Path | None
) -> tuple[list[tuple[ContentTree, Settings]], Settings]:
    """Open the repository that the options name, or each of those in the settings.

    Args:
        options: What the command line says.
        load: Loads the settings.
        file: The settings file named on the command line, if any.

    Returns:
        Each repository with its settings, and those that all of them share.
    """
    several = find_several(options, load, file, None)
    if several is None:
        tree, loaded = open_repository(options, load)
        return [(tree, loaded.settings)], loaded.settings
    trees = []
    for entry in several.repositories:
        own = several.with_source(options.tags).of_repository(entry)
        trees.append((open_tree_of(entry, options, own), own))
    return trees, several


def find_several(
    options: PassOptions, load: LoadSettings, file: Path | None, only: str | None
) -> Settings | None:
    """Return the settings if they list repositories and none is named otherwise."""
    if only is not None and options.repo is not None:
        raise UsageError(
            "--repo and --repository exclude each other: one names a folder, the other chooses among the "
            "repositories of a settings file"
        )
    settings = load(None).settings if options.repo is None and find_named_file(file) else None
    if settings is None or not settings.repositories:
        if only is not None:
            raise UsageError("--repository chooses among the repositories of a settings file; it lists none")
        return None
    return settings


def _run_several(
    settings: Settings,
    only: str | None,
    options: PassOptions,
    progress: Progress,
    *,
    dry_run: bool,
    request_count: RequestCount | None = None,
) -> list[RepositoryOutcome]:
    sources = share_sources(options, settings, request_count)

    def run(entry: RepositorySettings) -> PassResult:
        this_pass = open_pass_of(entry, options, settings, sources, progress)
        with log_fields(run=name_run(), repository=entry.repository):
            return _run(this_pass, options, dry_run=dry_run, request_count=request_count)

    return _over_each(settings.repositories, only, run)


def _run(
    this_pass: Pass, options: PassOptions, *, dry_run: bool, request_count: RequestCount | None = None
) -> PassResult:
    forge = options.forge or ForgeName.LOCAL
    cache = find_cache_folder(this_pass.settings.registry.cache)
    return run_on_forge(this_pass, forge, dry_run=dry_run, cache=cache, request_count=request_count)


def _name(this_pass: Pass, options: PassOptions) -> str:
    """Return what the log calls the repository."""
    if options.is_remote:
        return this_pass.settings.content.repository
    return str((options.repo or Path()).resolve())


def _over_each(
    entries: Sequence[RepositorySettings],
    only: str | None,
    run: Callable[[RepositorySettings], PassResult],
) -> list[RepositoryOutcome]:
    """Make the pass of each repository in turn, or of one alone, whose outcome then has no name."""
    if only is None:
        return list(pass_over_each(entries, run))
    names = [entry.repository for entry in entries]
    if only not in names:
        close = get_close_matches(only, names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"the settings list no repository {only}{hint}")
    return [RepositoryOutcome("", run(entries[names.index(only)]))]


def pass_over_each(
    entries: Iterable[RepositorySettings], run: Callable[[RepositorySettings], PassResult]
) -> Iterator[RepositoryOutcome]:
    """Make the pass of each repository in turn, and yield what came of it.

    Args:
        entries: The repositories.
        run: Makes the pass of one.
    """
    for entry in entries:
        repository = entry.repository
        try:
            yield RepositoryOutcome(repository, run(entry))
        except LockTakenError as exc:
            _log.warning("a repository is left out", extra={"repository": repository, "cause": str(exc)})
            yield RepositoryOutcome(repository, None, str(exc), left_out=True)
        except AutobumpError as exc:
            _log.error("a repository failed", extra={"repository": repository, "cause": str(exc)})
            yield RepositoryOutcome(repository, None, redact(str(exc)))
        except Exception as exc:
            _log.exception("a repository failed unexpectedly", extra={"repository": repository})
            yield RepositoryOutcome(repository, None, redact(f"unexpected error: {exc!r}"))


def render_matrix(repositories: Iterable[tuple[str, str]]) -> str:
    """Write the matrix of a GitHub Actions workflow, `{"include": [{"repository", "base"}, …]}`, in one line.

    Args:
        repositories: `owner/name` and base branch of each.
    """
    return _render_include({"repository": repository, "base": base} for repository, base in repositories)


def render_image_matrix(outcomes: Iterable[RepositoryOutcome]) -> str:
    """Write the images that have updates as the matrix of a GitHub Actions workflow, in one line.

    It is `{"include": [{"image", "items"}, …]}`, or with `repository` too where there are several; the image
    with most items first.
    """
    include: list[tuple[int, dict[str, object]]] = []
    for outcome in outcomes:
        bumps = outcome.result.evaluation.bumps if outcome.result else ()
        counts = Counter(bump.image.repository for bump in bumps)
        name = {"repository": outcome.repository} if outcome.repository else {}
        include += [
            (items, {**name, "image": image, "items": items}) for image, items in sorted(counts.items())
        ]
    return _render_include(entry for _, entry in sorted(include, key=lambda one: -one[0]))


def _render_include(entries: Iterable[Mapping[str, object]]) -> str:
    return json.dumps({"include": list(entries)}) + "\n"
