"""Shows how decisions come about: one item's trail, one image's tags."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

from autobump.content.item import find_item_files
from autobump.content.problem import Problem
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.eligibility import Eligible, decide_eligibility, trace_eligibility
from autobump.decisions.evaluation import Evaluation
from autobump.decisions.holds import find_holds
from autobump.decisions.risk import RiskLevel, describe_finding
from autobump.images.choice import (
    NewerTag,
    NoUpdate,
    Release,
    choose_tag,
    describe_span,
    sort_releases,
    why_too_young,
)
from autobump.images.inside.changes import ImageDiff, TagDiff
from autobump.images.inside.facts import ImageFacts
from autobump.images.inside.pythons import PythonVersions
from autobump.images.reference import Tag, find_current_tag, parse_image_ref
from autobump.images.sources import FactsSource, TagSource
from autobump.passes.evaluate import hold_back
from autobump.passes.one import Pass
from autobump.passes.plan import open_risk_assessor, plan_with_risk
from autobump.planning.existing import ExistingState
from autobump.planning.plan import Plan, WaitReason
from autobump.settings.model import Settings
from autobump.support.errors import ImageNotFoundError, UsageError
from autobump.support.markdown import count
from autobump.support.printable import printable_path
from autobump.support.progress import Silent

_MAX_ASKED = 3
"""Most tags whose date and digest are asked for one by one."""


def explain_item(this_pass: Pass, path: str, origin: str) -> Iterator[str]:
    """Yield the decision trail of one item, line by line; text from outside stands in it as it is.

    What becomes of an item hangs on all others: their number, their packs, the waves. So everything is judged
    and planned as `plan` does it, and the one item is shown; an item that a rule skips needs none of that.

    Args:
        this_pass: A pass over the commit, without filters.
        path: The item's YAML file, relative to the root of the repository.
        origin: Where the settings come from.

    Raises:
        UsageError: The commit has no such item.
    """
    settings, tree = this_pass.settings, this_pass.tree
    path = path.removeprefix("./")
    pack_name = _require_item(tree, path)
    content = read_content(tree, packs=[pack_name], progress=Silent(), cache=this_pass.cache)
    shown = printable_path(path)
    yield f"{shown} at {tree.revision[:12]}, settings from {origin}"
    yield ""
    item = next((item for item in content.items if item.path == path), None)
    if item is None:
        yield from _explain_problem(content.problems, shown)
        return
    pack = content.packs[item.pack]
    for verdict in trace_eligibility(item, pack, settings.eligibility):
        outcome = "pass" if verdict.skip_detail is None else "skip"
        yield _line(outcome, verdict.rule.value, verdict.skip_detail or verdict.fact)
    eligible = decide_eligibility(item, pack, settings.eligibility)
    if not isinstance(eligible, Eligible):
        yield ""
        yield "The item is skipped; the registry is not asked."
        return
    repository = eligible.image.repository
    holds = find_holds(settings.holds, item, repository)
    for number, hold in enumerate(settings.holds):
        if hold in holds:
            yield _line("hold", f"policy.holds.{number}", hold.reason)
    chosen = this_pass.evaluate()
    if any(problem.path == path for problem in chosen.problems):
        yield from _explain_problem(chosen.problems, path)
        return
    assessor = open_risk_assessor(this_pass)
    evaluation, plan = plan_with_risk(this_pass, chosen, ExistingState(), assessor)
    bump = next((bump for bump in chosen.bumps if bump.path == path), None)
    if bump is not None:
        yield _line("update", "target", f"{bump.image.tag or 'no tag'} -> {bump.target.tag}")
        if bump.held_back:
            yield _line("held", "newer tag", bump.held_back)
        if assessor is not None and path not in {bump.path for bump in evaluation.bumps}:
            held = replace(bump, risk=assessor.assess([bump])[path])
            yield from _explain_risk(held, settings, assessed=True)
    yield from _explain_row(evaluation, plan, path, settings, assessed=assessor is not None)
    releases = chosen.found[repository]
    if isinstance(releases, tuple):
        yield ""
        yield f"Tags of {repository}:"
        pythons = PythonVersions(this_pass.facts, chosen.found)
        why_not = hold_back(holds, repository, pythons, this_pass.now) if holds else None
        yield from _tag_lines(releases, eligible.current, settings, this_pass.now, limit=5, why_held=why_not)


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


def _explain_row(
    evaluation: Evaluation, plan: Plan, path: str, settings: Settings, *, assessed: bool
) -> Iterator[str]:
    """Say what becomes of an eligible item; the last line is its row of the plan."""
    for skip in evaluation.skipped:
        if skip.path == path:
            yield _line("skip", str(skip.reason), skip.detail)
    for wait in plan.waiting:
        if wait.bump.path == path:
            yield from _explain_risk(wait.bump, settings, assessed=assessed)
            yield from _explain_wave(wait.bump, settings, wait.reason)
            yield _line("wait", wait.reason.value, wait.detail)
    for planned in plan.pull_requests:
        for bump in planned.bumps:
            if bump.path == path:
                yield from _explain_risk(bump, settings, assessed=assessed)
                yield from _explain_wave(bump, settings, None)
                size = f"{count(len(planned.bumps), 'item')} in {count(len(planned.packs), 'pack')}"
                yield _line("plan", "pull request", f"{planned.branch}, {size}")


def _explain_risk(bump: Bump, settings: Settings, *, assessed: bool) -> Iterator[str]:
    """Say what was found of the risk, and which setting says what becomes of it."""
    risk, policy = bump.risk, settings.policy.risk
    if not assessed:
        yield _line("risk", "not assessed", "there is no source of image facts (registry.facts)")
    elif risk is None:
        yield _line("risk", "not looked at", "a pass looks at it when it is the update's turn")
    else:
        for finding in risk.findings:
            yield _line("risk", finding.level.words, describe_finding(finding))
        if risk.note or not risk.findings:
            known = RiskLevel.NONE.words if risk.known else "not known"
            yield _line(
                "risk",
                known,
                risk.note or "the code imports nothing that is gone or changes its major version",
            )
        if risk.level is RiskLevel.BREAKING:
            yield _line("risk", "policy.risk.breaking", policy.breaking)
        elif risk.level is RiskLevel.REVIEW:
            yield _line("risk", "policy.risk.review", policy.review)


def _explain_wave(bump: Bump, settings: Settings, waits: WaitReason | None) -> Iterator[str]:
    """Say which wave takes the item, and what opens it."""
    if not settings.waves:
        return
    names = [wave.name for wave in settings.waves]
    number = names.index(bump.wave) if bump.wave in names else len(names)
    place = f"{bump.wave} ({number + 1} of {len(names) + (number == len(names))})"
    if number == 0:
        yield _line("wave", place, "open from the start")
    elif waits is not WaitReason.WAITING_FOR_WAVE:
        yield _line("wave", place, "open, because nothing is left for the waves before it")
    else:
        before = settings.waves[number - 1]
        soak = f" and {describe_span(before.soak)} have passed" if before.soak else ""
        yield _line(
            "wave", place, f"opens when the pull requests of {before.name} are merged or closed{soak}"
        )


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
    place = next((place for place, release in enumerate(releases) if release.tag == chosen), 0)
    # Below many that are held or too young, the chosen one gets its row all the same.
    shown = releases[:limit] + releases[max(limit, place) : place + 1]
    width = max((len(release.tag.text) for release in shown), default=0)
    for number, release in enumerate(shown):
        if number == limit and place > limit:
            yield f"  … {place - limit} between"
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
    if older := len(releases[max(limit, place + 1) :]):
        yield f"  … {older} older ones"
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


def compare_tags(image: str, old: str, new: str, source: FactsSource | None) -> TagDiff:
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
    return TagDiff(repository, old, new, ImageDiff(was, now))
