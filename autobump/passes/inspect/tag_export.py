"""Writes the tags of many images, and what is inside them, to one file, which many passes can then share."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from autobump.content.cache import ContentCache
from autobump.content.tree import ContentTree
from autobump.decisions.evaluation import Evaluation
from autobump.images.choice import TagRecord
from autobump.images.inside.facts import ImageFacts, facts_to_record
from autobump.images.lookup import look_up_digests, look_up_facts
from autobump.images.results import NotFound, Unavailable
from autobump.images.sources import FactsSource
from autobump.passes.evaluate import Filters, evaluate_content
from autobump.passes.one import require_known_image
from autobump.passes.open import LoadSettings, PassOptions, Sources, find_commit
from autobump.passes.several import find_several, open_trees, share_sources
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError
from autobump.support.files import find_cache_folder
from autobump.support.progress import Progress, open_progress

_log = logging.getLogger(__name__)


class _Export(Struct):
    """What goes into the file.

    Attributes:
        tags: By image.
        created: Dates that did not come with the tags, by image and tag.
        digests: Of the tags that items move to, by image and tag.
        facts: What is inside, by image and tag.
    """

    tags: dict[str, Sequence[TagRecord]] = field(default_factory=dict)
    created: dict[tuple[str, str], datetime] = field(default_factory=dict)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    facts: dict[tuple[str, str], ImageFacts] = field(default_factory=dict)

    def render(self) -> str:
        """Write it as a tag file, one image a line."""
        images = {name: self._records(name) for name in sorted(self.tags)}
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(tags)}" for name, tags in images.items())
        return f"{{\n{rows}\n}}\n"

    def _records(self, image: str) -> dict[str, dict[str, Any]]:
        records = {record.name: self._record(image, record) for record in self.tags[image]}
        for name, tag in self.facts:
            if name == image and tag not in records:
                records[tag] = self._record(image, TagRecord(tag)) | {"withdrawn": True}
        return dict(sorted(records.items()))

    def _record(self, image: str, record: TagRecord) -> dict[str, Any]:
        key = (image, record.name)
        created = record.created or self.created.get(key)
        digest = self.digests.get(key, record.digest)
        # What the source of tags says of them counts for the passes, as it did here.
        facts = facts_to_record(self.facts[key]) if key in self.facts else {}
        facts |= {"created": created.isoformat()} if created else {}
        facts |= {"digest": digest} if digest else {}
        return {name: value for name, value in facts.items() if value not in (None, "")}


class _NotedFacts:
    """A source of facts that notes what it told."""

    def __init__(self, source: FactsSource, told: dict[tuple[str, str], ImageFacts]) -> None:
        self._source = source
        self._told = told

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        self._source.prepare(wanted)

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        facts = self._source.fetch_facts(repository, tag)
        if facts is not None:
            self._told[repository, tag] = facts
        return facts


def export_tags(
    options: PassOptions, load: LoadSettings, file: Path | None, images: Sequence[str]
) -> tuple[str, int]:
    """Return the tags of images as a tag file, and how many images it holds.

    The items of the repositories are judged as a pass would judge them, and what that asks for, of dates and
    of what is inside images, goes into the file, so that a pass from it comes to the same without a network.

    Args:
        options: What the command line says.
        load: Loads the settings.
        file: The settings file named on the command line, if any.
        images: `namespace/name` of each; empty for all that items of the repositories may be updated on.
            Which tags of these are in use is not known, so the file tells nothing of what is inside them.

    Raises:
        RegistryError: The source could not answer, or has no such image or manifest.
    """
    with open_progress() as progress:
        if images:
            settings = find_several(options, load, file, None) or load(find_commit(options.repo)).settings
            export = _export_named(images, share_sources(options, settings), progress)
        else:
            trees, settings = open_trees(options, load, file)
            export = _export_used(trees, share_sources(options, settings), settings, progress)
    return export.render(), len(export.tags)


def _export_named(images: Sequence[str], sources: Sources, progress: Progress) -> _Export:
    export = _Export()
    progress.begin("Asking for tags", len(images))
    sources.tags.prepare(dict.fromkeys(images, ()))
    for name in images:
        export.tags[name] = sources.tags.fetch_tags(name)
        progress.step()
    if sources.facts is not None:
        _log.warning("named images are written without what is inside them")
    return export


def _export_used(
    trees: Sequence[tuple[ContentTree, Settings]], sources: Sources, settings: Settings, progress: Progress
) -> _Export:
    """Judge every item of the repositories, and gather what that took."""
    export = _Export()
    facts = _NotedFacts(sources.facts, export.facts) if sources.facts else None
    cache = ContentCache(find_cache_folder(settings.registry.cache))
    now = datetime.now(UTC)
    threads = settings.registry.concurrency
    inside: set[tuple[str, str]] = set()
    targets: set[tuple[str, str]] = set()
    for tree, own in trees:
        evaluation = evaluate_content(
            tree, sources.tags, own, Filters(), now=now, progress=progress, cache=cache, facts=facts
        )
        _require_tags(evaluation)
        require_known_image(evaluation, own)
        for name, found in evaluation.found.items():
            if isinstance(found, NotFound | Unavailable):
                continue  # not in the file, a pass does not find it either
            export.tags[name] = sources.tags.fetch_tags(name)  # asked for already
            export.created |= {(name, one.tag.text): one.created for one in found if one.created}
        for bump in evaluation.bumps:
            targets.add((bump.image.repository, bump.target.tag.text))
            if bump.image.tag:
                inside.add((bump.image.repository, bump.image.tag))
    for target, digest in look_up_digests(sources.tags, targets, threads, progress).items():
        match digest:
            case Unavailable(detail):
                raise RegistryError(detail)
            case str():
                export.digests[target] = digest
    if facts is not None:
        _note_facts(facts, inside | targets, threads, progress)
    return export


def _require_tags(evaluation: Evaluation) -> None:
    """Refuse an image that could not be asked for: without it in the file it would count as gone."""
    for problem in evaluation.unknown:
        raise RegistryError(problem.detail)


def _note_facts(
    facts: _NotedFacts, wanted: Iterable[tuple[str, str]], threads: int, progress: Progress
) -> None:
    """Ask for what is inside images; what cannot be had is not known to the passes either."""
    found: Mapping[tuple[str, str], object] = look_up_facts(facts, wanted, threads, progress)
    failed = [one for one in found.values() if isinstance(one, Unavailable)]
    if failed:
        _log.warning(
            "what is inside some images is not known",
            extra={"tags": len(failed), "cause": failed[0].detail},
        )
