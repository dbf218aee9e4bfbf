"""Shows how decisions come about: one item's trail, one image's tags."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

from autobump.config import Settings
from autobump.content.eligibility import Eligible, decide_eligibility, trace_eligibility
from autobump.content.facts_cache import FactsCache
from autobump.content.item import find_item_files
from autobump.content.reader import Problem, read_content
from autobump.content.tree import ContentTree
from autobump.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.images.choice import (
    NewerTag,
    NoUpdate,
    Release,
    choose_tag,
    describe_span,
    sort_releases,
    why_too_young,
)
from autobump.images.facts import ImageFacts
from autobump.images.inside import ImageDiff, NamedDiff
from autobump.images.pythons import PythonVersions
from autobump.images.reference import Tag, find_current_tag, parse_image_ref
from autobump.images.sources import FactsSource, TagSource
from autobump.judge import Filters, Judged, hold_back, judge_content
from autobump.planning.holds import find_holds
from autobump.planning.plan import Bump, Plan, plan_pull_requests
from autobump.planning.waves import WaveFacts, take_turns
from autobump.printable import printable_path
from autobump.progress import Silent
from autobump.rollout import load_wave_facts
from autobump.settings_file import LoadedSettings

_MAX_ASKED = 3
"""Most tags whose date and digest are asked for one by one."""


def explain_item(
    tree: ContentTree,
    path: str,
    loaded: LoadedSettings,
    source: TagSource,
    now: datetime,
    facts: FactsSource | None = None,
) -> Iterator[str]:
    """Yield the decision trail of one item, line by line; text from outside stands in it as it is.

    Args:
        tree: The commit.
        path: The item's YAML file, relative to the root of the repository.
        loaded: The settings in force.
        source: Where tags come from.
        now: The time that counts, with timezone.
        facts: Tells what is inside images, for holds that are about Python.

    Raises:
        UsageError: The commit has no such item.
    """
    settings = loaded.settings
    path = path.removeprefix("./")
    pack_name = _require_item(tree, path)
    content = read_content(tree, packs=[pack_name], progress=Silent(), cache=FactsCache(None))
    shown = printable_path(path)
    yield f"{shown} at {tree.revision[:12]}, settings from {loaded.origin}"
    yield ""
    item = next((item for item in content.items if item.path == path), None)
    if item is None:
        yield from _explain_problem(content.problems, shown)
        return
    pack = content.packs[item.pack]
    for judgement in trace_eligibility(item, pack, settings.eligibility):
        outcome = "pass" if judgement.skip_detail is None else "skip"
        yield _line(outcome, judgement.rule.value, judgement.skip_detail or judgement.fact)
    match decide_eligibility(item, pack, settings.eligibility):
        case Eligible(image=image, current=current):
            holds = find_holds(settings.holds, item, image.repository)
            for number, hold in enumerate(settings.holds):
                if hold in holds:
                    yield _line("hold", f"policy.holds.{number}", hold.reason)
            judged = _judge_pack(tree, pack_name, settings, source, now, facts)
            if any(problem.path == path for problem in judged.problems):
                yield from _explain_problem(judged.problems, path)
                return
            yield from _explain_target(judged, path, settings, load_wave_facts(settings.rollout, tree), now)
            yield ""
            yield f"Tags of {image.repository}:"
            try:
                releases = sort_releases(source.fetch_tags(image.repository))
            except RegistryError as exc:
                yield f"  {exc}"
                return
            pythons = PythonVersions(facts, {image.repository: releases})
            why_not = hold_back(holds, image.repository, pythons, now) if holds else None
            yield from _tag_lines(releases, current, settings, now, limit=5, why_held=why_not)
        case _:
            yield ""
            yield "The item is skipped; the registry is not asked."


def explain_tags(
    image: str, source: TagSource, settings: Settings, now: datetime, limit: int
) -> Iterator[str]:
    """Yield an image's immutable tags newest first, with the chosen one marked.

    Args:
        image: `namespace/name`, with `:tag` to choose as for an item on that tag.
        source: Where tags come from.
        settings: The settings in force.
        now: The time that counts, with timezone.
        limit: Most tags to list.

    Raises:
        UsageError: This is no image, or the source has none of that name.
        RegistryError: The source could not answer.
    """
    try:
        reference = parse_image_ref(image)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    current = find_current_tag(reference.tag) if reference.tag else None
    if reference.tag and current is None:
        raise UsageError(f"{reference.tag} is no tag to start from: it can be overwritten")
    source.prepare({reference.repository: [reference.tag] if reference.tag else []})
    try:
        records = source.fetch_tags(reference.repository)
    except ImageNotFoundError as exc:
        raise UsageError(str(exc)) from exc
    releases = _with_facts(source, reference.repository, sort_releases(records), limit)
    yield f"{reference.repository}: {len(releases)} immutable of {len(records)} tags"
    yield from _tag_lines(releases, current, settings, now, limit)


def _explain_problem(problems: Iterable[Problem], path: str) -> Iterator[str]:
    for problem in problems:
        if problem.path == path:
            yield _line("problem", problem.reason, _place(problem))


def _judge_pack(
    tree: ContentTree,
    pack: str,
    settings: Settings,
    source: TagSource,
    now: datetime,
    facts: FactsSource | None,
) -> Judged:
    """Judge the item's pack alone, as a pass would: limits depend on the rest, the pack does not."""
    return judge_content(
        tree,
        source,
        settings,
        Filters(packs=(pack,)),
        now=now,
        progress=Silent(),
        cache=FactsCache(None),
        facts=facts,
    )


def _explain_target(
    judged: Judged, path: str, settings: Settings, wave_facts: WaveFacts, now: datetime
) -> Iterator[str]:
    for skip in judged.skipped:
        if skip.path == path:
            yield _line("skip", str(skip.reason), skip.detail)
    for bump in judged.bumps:
        if bump.path == path:
            yield _line("update", "target", f"{bump.image.tag or 'no tag'} -> {bump.target.tag}")
            if bump.held_back:
                yield _line("held", "newer tag", bump.held_back)
            yield from _explain_wave(bump, settings, wave_facts, now)
            yield from _explain_wait(plan_pull_requests(judged.bumps, settings.limits), path)


def _explain_wave(bump: Bump, settings: Settings, facts: WaveFacts, now: datetime) -> Iterator[str]:
    """Say which wave takes the item and what opens it; whether it is open only the pull requests tell."""
    if not settings.waves:
        return
    turns = take_turns([bump], settings.waves, (), frozenset(), facts, now)
    (member,) = [*turns.ready, *(wait.bump for wait in turns.waiting)]
    names = [wave.name for wave in settings.waves]
    number = names.index(member.wave) if member.wave in names else len(names)
    place = f"{member.wave} ({number + 1} of {len(names) + (number == len(names))})"
    if number == 0:
        yield _line("wave", place, "open from the start")
        return
    before = settings.waves[number - 1]
    soak = f" and {describe_span(before.soak)} have passed" if before.soak else ""
    yield _line("wave", place, f"opens when the pull requests of {before.name} are merged or closed{soak}")


def _explain_wait(plan: Plan, path: str) -> Iterator[str]:
    for wait in plan.waiting:
        if wait.bump.path == path:
            yield _line("wait", wait.reason.value, wait.detail)


def _with_facts(
    source: TagSource, repository: str, releases: tuple[Release, ...], limit: int
) -> tuple[Release, ...]:
    """Add dates and digests that did not come with the tags, to those that are shown first."""
    dated = list(releases)
    for index, release in enumerate(releases[: min(limit, _MAX_ASKED)]):
        tag = release.tag.text
        dated[index] = replace(
            release,
            created=release.created or source.fetch_created(repository, tag),
            digest=release.digest or source.fetch_digest(repository, tag),
        )
    return tuple(dated)


def _tag_lines(
    releases: tuple[Release, ...],
    current: Tag | None,
    settings: Settings,
    now: datetime,
    limit: int,
    why_held: Callable[[Release], str] | None = None,
) -> Iterator[str]:
    min_age = settings.registry.min_age
    choice = choose_tag(current, releases, min_age=min_age, now=now, why_held=why_held)
    chosen = choice.release.tag if isinstance(choice, NewerTag) else None
    shown = releases[:limit]
    width = max((len(release.tag.text) for release in shown), default=0)
    for release in shown:
        if release.tag == chosen:
            note = "chosen"
        elif release.tag == current:
            note = "current"
        elif current is not None and release.tag.build <= current.build:
            note = "not above the current one"
        elif chosen is not None and release.tag < chosen:
            note = "older than the chosen one"
        else:
            note = why_too_young(release, min_age=min_age, now=now) or ""
            note = note or (why_held(release) if why_held else "")
        created = f"{release.created:%Y-%m-%d}" if release.created else "no date   "
        digest = (release.digest or "no digest")[:19]
        mark = "*" if release.tag == chosen else " "
        facts = f"{release.tag.text:<{width}}  build {release.tag.build:<9} {created}  {digest:<19}"
        yield f"{mark} {facts}  {note}".rstrip()
    if len(releases) > limit:
        yield f"  … {len(releases) - limit} older ones"
    if isinstance(choice, NoUpdate):
        yield f"{choice.reason}: {choice.detail}"


def _require_item(tree: ContentTree, path: str) -> str:
    files = {file.path: file for file in find_item_files(tree.entries)}
    if path in files:
        return files[path].pack
    entry = next((entry for entry in tree.entries if entry.path == path), None)
    if entry is not None and not entry.is_regular:
        raise UsageError(f"{path} is a symbolic link or a submodule, which autobump does not follow")
    if entry is not None:
        raise UsageError(
            f"{path} is no item: items are Packs/<pack>/Integrations|Scripts/[<folder>/]<file>.yml"
        )
    close = get_close_matches(path, files, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"{tree.revision[:12]} has no file {path}{hint}")


def _place(problem: Problem) -> str:
    return (
        f"{problem.detail} (line {problem.line}, column {problem.column})" if problem.line else problem.detail
    )


def _line(outcome: str, rule: str, detail: str) -> str:
    return f"{outcome:<8}{rule:<22}{detail}"


def compare_tags(image: str, old: str, new: str, source: FactsSource | None) -> NamedDiff:
    """Return what changes inside an image between two tags.

    Args:
        image: `namespace/name`.
        old: The older tag.
        new: The newer tag.
        source: Tells what is inside; None when the settings want none.

    Raises:
        UsageError: No image, no tag, or no source.
        RegistryError: The source could not answer, or has nothing of a tag.
    """
    if source is None:
        raise UsageError("there is no source of image facts; name one with --facts")
    try:
        repository = parse_image_ref(image).repository
        for tag in (old, new):
            parse_image_ref(f"{repository}:{tag}")
    except ValueError as exc:
        raise UsageError(f"{image} from {old} to {new}: {exc}") from exc
    source.prepare([(repository, old), (repository, new)])
    found = [(tag, source.fetch_facts(repository, tag)) for tag in (old, new)]
    for tag, facts in found:
        if facts is None:
            raise ImageNotFoundError(f"nothing is published of what is inside {repository}:{tag}")
    was, now = (facts or ImageFacts() for _, facts in found)
    return NamedDiff(repository, old, new, ImageDiff(was, now))
