"""Writes the tags of many images to one file, which many passes can then share."""

import json
from collections.abc import Sequence
from pathlib import Path

from autobump.config import RepositorySettings, Settings
from autobump.content.eligibility import Eligible, decide_eligibility
from autobump.content.facts_cache import FactsCache
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.errors import ImageNotFoundError
from autobump.fleet import find_several
from autobump.opening import (
    LoadSettings,
    PassOptions,
    find_cache_folder,
    open_repository,
    open_sources,
    open_tree_of,
)
from autobump.progress import Progress, open_progress


def export_tags(
    options: PassOptions, load: LoadSettings, file: Path | None, images: Sequence[str]
) -> tuple[str, int]:
    """Return the tags of images as a tag file, and how many images it holds.

    Args:
        options: What the command line says.
        load: Loads the settings.
        file: The settings file named on the command line, if any.
        images: `namespace/name` of each; empty for all that items of the repositories may be updated on.

    Raises:
        UsageError: The source has no such image.
        RegistryError: The source could not answer.
    """
    with open_progress() as progress:
        several = find_several(options, load, file, None)
        if several is None:
            tree, loaded = open_repository(options, load) if not images else (None, load(None))
            settings, trees = loaded.settings, [(tree, loaded.settings)] if tree else []
        else:
            settings = several
            trees = [_open_listed(entry, options, several) for entry in several.repositories]
        wanted = sorted(
            set(images) or {name for tree, own in trees for name in find_images(tree, own, progress)}
        )
        source = open_sources(options, settings).tags
        progress.begin("Asking for tags", len(wanted))
        source.prepare(dict.fromkeys(wanted, ()))
        snapshot: dict[str, dict[str, dict[str, str | None]]] = {}
        for name in wanted:
            try:
                records = source.fetch_tags(name)
            except ImageNotFoundError:
                if images:
                    raise
                records = ()
            snapshot[name] = {
                record.name: {
                    "created": record.created.isoformat() if record.created else None,
                    "digest": record.digest,
                }
                for record in sorted(records, key=lambda record: record.name)
            }
            progress.step()
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(tags)}" for name, tags in snapshot.items())
    return f"{{\n{rows}\n}}\n", len(snapshot)


def find_images(tree: ContentTree, settings: Settings, progress: Progress) -> set[str]:
    """Return the images of items that may be updated."""
    cache = FactsCache(find_cache_folder(settings.registry.cache))
    content = read_content(tree, progress=progress, cache=cache)
    decided = (
        decide_eligibility(item, content.packs[item.pack], settings.eligibility) for item in content.items
    )
    return {one.image.repository for one in decided if isinstance(one, Eligible)}


def _open_listed(
    entry: RepositorySettings, options: PassOptions, settings: Settings
) -> tuple[ContentTree, Settings]:
    own = settings.of_repository(entry)
    return open_tree_of(entry, options, own), own
