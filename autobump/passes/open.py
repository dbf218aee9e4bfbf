"""Opens what a pass needs: the repository, its settings, the sources and the caches.

Nothing is imported before it is needed: a pass from a tag file needs no HTTP client.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from autobump.images.spelling import NONE, choose_advisories, shown_spelling
from autobump.support.errors import UsageError
from autobump.support.files import expand_home, find_cache_folder
from autobump.support.remote import guess_repository, name_clone

if TYPE_CHECKING:
    from autobump.content.tree import ContentTree
    from autobump.evidence.open import Verification
    from autobump.forges.name import ForgeName
    from autobump.images.advisories.source import AdvisorySource
    from autobump.images.by_registry import TagsByRegistry
    from autobump.images.sources import ListedFacts, TagSource
    from autobump.passes.evaluate import Filters
    from autobump.passes.one import Pass
    from autobump.settings.load import LoadedSettings
    from autobump.settings.model import RepositorySettings, Settings
    from autobump.support.http.request_count import RequestCount
    from autobump.support.progress import Progress

LoadSettings = Callable[["ContentTree | None"], "LoadedSettings"]
"""Loads the settings: those of a commit, if no file is named."""

_log = logging.getLogger(__name__)


class PassOptions(Struct, frozen=True):
    """What the command line says of a pass.

    Attributes:
        repo: The content repository; None for the current folder or autobump's own clone.
        rev: The commit to read.
        tags: Source of tags; None for what the settings say.
        refresh: Ignore what registries answered before.
        filters: Which items take part.
        forge: Where pull requests live; None when the command has nothing to do with them.
        runs_items: Whether items may be run in containers.
        evidence: Files of evidence from other machines.
        for_page: A page is written, which tells what the images in use leave open, and how old they are.
    """

    repo: Path | None
    rev: str
    tags: str | None
    refresh: bool
    filters: "Filters"
    forge: "ForgeName | None" = None
    runs_items: bool = False
    evidence: tuple[Path, ...] = ()
    for_page: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether pull requests live elsewhere than in the repository that is read."""
        return self.forge is not None and self.forge.is_remote


class Sources(Struct, frozen=True):
    """Where tags and facts come from; one pair may serve several repositories."""

    tags: "TagSource"
    facts: "ListedFacts | None"
    advisories: "AdvisorySource | None" = None


def find_commit(repo: Path | None, rev: str = "HEAD") -> "ContentTree | None":
    """Return the commit whose settings count where no pass is made, if there is one.

    Args:
        repo: The repository that is named; None for the one that the current folder lies in, if any.
        rev: The commit to read.

    Raises:
        UsageError: The repository that is named has no such commit.
    """
    from autobump.content.tree import ContentTree
    from autobump.support.git import has_commit

    return ContentTree.open(repo or Path(), rev) if repo is not None or has_commit(Path()) else None


def open_repository(
    options: PassOptions, load: LoadSettings, loaded: "LoadedSettings | None" = None
) -> "tuple[ContentTree, LoadedSettings]":
    """Open the repository that the options name, and load its settings.

    Args:
        options: What the command line says.
        load: Loads the settings.
        loaded: Settings to use instead, if any.
    """
    from autobump.content.tree import ContentTree
    from autobump.support.git import is_repository

    if options.forge is not None:
        from autobump.forges.open import check_environment

        check_environment(options.forge)
    if options.repo is None and options.is_remote and not is_repository(Path()):
        tree = open_own_clone((loaded or load(None)).settings)
    else:
        tree = ContentTree.open(options.repo or Path(), options.rev)
        _tell_if_inside(tree, options)
    loaded = loaded or load(tree)
    loaded = replace(loaded, settings=loaded.settings.with_source(options.tags))
    if options.is_remote:
        _require_wanted_repository(tree, loaded)
    tree.choose_root(loaded.settings.content.root)
    return tree, loaded


def _tell_if_inside(tree: "ContentTree", options: PassOptions) -> None:
    """Say of a folder below the top of a repository, which was named, that more than it is read."""
    folder = options.repo
    restricted = options.filters.packs or options.filters.paths
    if folder is None or restricted or (folder / ".git").exists() or (folder / "HEAD").exists():
        return  # the top of a work tree, or a bare repository
    if inside := tree.git.line("rev-parse", "--show-prefix"):
        _log.warning(
            "the whole repository is read, not only the folder",
            extra={"folder": str(folder), "restrict_with": f"--path '{inside}*'"},
        )


def _require_wanted_repository(tree: "ContentTree", loaded: "LoadedSettings") -> None:
    """Refuse to write to the repository that is the default, where the analysed one comes from another.

    Raises:
        UsageError: The settings do not say where pull requests go, and the remote says otherwise.
    """
    default = loaded.settings.content.repository
    found = None if loaded.repository else guess_repository(tree.git)
    if found is not None and found.lower() != default.lower():
        raise UsageError(
            f"the remote of {tree.git.directory} is {found}, and pull requests would go to {default}: say "
            f"which with content.repository, such as --set content.repository={found}"
        )


def open_own_clone(settings: "Settings") -> "ContentTree":
    """Open autobump's own clone of the repository that the settings name."""
    from autobump.content.clone import DEFAULT_SERVER, open_clone
    from autobump.content.tree import ContentTree
    from autobump.forges.github.connect import find_git_token
    from autobump.support.secrets import find_text, is_for_github_com

    cache = find_cache_folder(settings.registry.cache)
    if cache is None:
        raise UsageError("a clone needs a home folder or registry.cache; or name a repository with --repo")
    server = find_text("GITHUB_SERVER_URL")
    if not server and not is_for_github_com():
        raise UsageError("set GITHUB_SERVER_URL as well as GITHUB_API_URL; or name a repository with --repo")
    content = settings.content
    git, revision = open_clone(
        cache / "clones",
        server or DEFAULT_SERVER,
        content.repository,
        content.base,
        find_git_token(settings),
    )
    return ContentTree.open(git.directory, revision, env=git.env)


def open_pass(
    options: PassOptions,
    load: LoadSettings,
    progress: "Progress",
    *,
    loaded: "LoadedSettings | None" = None,
    request_count: "RequestCount | None" = None,
) -> "Pass":
    """Open a pass over one repository."""
    tree, found = open_repository(options, load, loaded)
    sources = open_sources(options, found.settings, request_count)
    name = (found.repository or name_clone(tree.git)) if options.for_page else ""
    return make_pass(options, tree, found.settings, sources, progress, name)


def open_pass_of(
    entry: "RepositorySettings",
    options: PassOptions,
    settings: "Settings",
    sources: Sources,
    progress: "Progress",
) -> "Pass":
    """Open a pass over one of the repositories that the settings list.

    Args:
        entry: The repository.
        options: What the command line says.
        settings: The settings that all of them share.
        sources: Asked once for all of them.
        progress: Told how far it is.
    """
    own = settings.with_source(options.tags).of_repository(entry)
    return make_pass(options, open_tree_of(entry, options, own), own, sources, progress, entry.repository)


def open_tree_of(entry: "RepositorySettings", options: PassOptions, own: "Settings") -> "ContentTree":
    """Open one of the repositories that the settings list: the clone it names, or autobump's own.

    Args:
        entry: The repository.
        options: What the command line says.
        own: Its settings.
    """
    from autobump.content.tree import ContentTree

    if entry.path is not None:
        tree = ContentTree.open(expand_home(entry.path), options.rev)
    else:
        tree = open_own_clone(own)
    tree.choose_root(own.content.root)
    return tree


def make_pass(
    options: PassOptions,
    tree: "ContentTree",
    settings: "Settings",
    sources: Sources,
    progress: "Progress",
    name: str = "",
) -> "Pass":
    """Put a pass together, over a repository of this name."""
    from autobump.content.cache import ContentCache
    from autobump.images.sources.deprecated import open_deprecated_images
    from autobump.passes.one import Pass
    from autobump.passes.wave_data import load_wave_data

    registry = settings.registry
    return Pass(
        tree=tree,
        settings=settings,
        name=name,
        source=sources.tags,
        now=datetime.now(UTC),
        progress=progress,
        filters=options.filters,
        cache=ContentCache(find_cache_folder(registry.cache)),
        facts=sources.facts,
        deprecated=open_deprecated_images(registry.deprecated_images, registry.source),
        links=find_links(settings) if options.is_remote else "",
        wave_data=load_wave_data(settings.rollout, tree),
        advisories=sources.advisories,
        verify=_open_verification(options, tree, settings, sources, progress),
        for_page=options.for_page,
        assess_all=options.runs_items and options.forge is None,
    )


def _open_verification(
    options: PassOptions,
    tree: "ContentTree",
    settings: "Settings",
    sources: Sources,
    progress: "Progress",
) -> "Verification | None":
    if not options.runs_items or (settings.verify.engine == "none" and not options.evidence):
        return None
    from autobump.evidence.open import open_verification

    return open_verification(tree, sources.tags, settings, options.evidence, progress)


def open_sources(
    options: PassOptions, settings: "Settings", request_count: "RequestCount | None" = None
) -> Sources:
    """Open the sources of tags and facts; nothing is asked over the network yet."""
    from autobump.images.by_registry import open_facts_by_registry

    tags = open_tags(options.tags, settings, refresh=options.refresh, request_count=request_count)
    registry = settings.registry
    facts = open_facts_by_registry(
        settings.with_source(options.tags).registries,
        registry.facts,
        find_cache_folder(registry.cache),
        registry.concurrency,
        tags,
    )
    advisories = _open_advisories(options, settings, request_count)
    fields = {
        "tags": shown_spelling(options.tags or registry.source),
        "facts": shown_spelling(registry.facts),
    }
    _log.info("sources opened", extra=fields | {"cache": str(find_cache_folder(registry.cache) or "none")})
    return Sources(tags, facts, advisories)


def _open_advisories(
    options: PassOptions, settings: "Settings", request_count: "RequestCount | None"
) -> "AdvisorySource | None":
    """Open the source of advisories that the settings name or mean."""
    registry = settings.with_source(options.tags).registry
    chosen = choose_advisories(registry.source, is_remote=options.is_remote)
    spelling = registry.advisories or chosen
    if spelling == NONE:
        return None
    from autobump.images.advisories.source import open_advisories

    return open_advisories(spelling, find_cache_folder(registry.cache), registry.concurrency, request_count)


def open_tags(
    tags: str | None, settings: "Settings", *, refresh: bool, request_count: "RequestCount | None" = None
) -> "TagsByRegistry":
    """Open the sources of tags that the command line and the settings name.

    Args:
        tags: The one on the command line, in place of `registry.source`. An exported file tells of images of
            other registries, too, and counts for them as well.
        settings: The settings in force.
        refresh: Ignore what registries answered before.
        request_count: Told of every request.
    """
    from autobump.images.by_registry import TagsByRegistry
    from autobump.images.sources import SourceOptions

    registry = settings.registry
    options = SourceOptions(find_cache_folder(registry.cache), refresh, registry.concurrency, request_count)
    registries = settings.with_source(tags).registries
    return TagsByRegistry(registries, options, prefer_source=tags is not None)


def find_links(settings: "Settings") -> str:
    """Return what a path is put behind to see a file of the base branch on GitHub."""
    from autobump.content.clone import DEFAULT_SERVER
    from autobump.support.secrets import find_text

    server = (find_text("GITHUB_SERVER_URL") or DEFAULT_SERVER).rstrip("/")
    return f"{server}/{settings.content.repository}/blob/{settings.content.base}/"
