"""The decision trail of one item."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from glob import escape
from pathlib import Path

from msgspec.structs import replace

from autobump.content.problem import Problem
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.describe import describe_finding
from autobump.decisions.eligibility import Eligible, decide_eligibility, trace_eligibility
from autobump.decisions.evaluation import Evaluation
from autobump.decisions.holds import find_holds
from autobump.decisions.risk import RiskLevel
from autobump.images.advisories.compare import AdvisoryDiff
from autobump.images.choice import Release, describe_span
from autobump.images.inside.pythons import PythonVersions
from autobump.passes.evaluate import choose_policy, hold_back
from autobump.passes.inspect.tags import tag_lines, with_facts
from autobump.passes.inspect.wanted import Folder, find_wanted
from autobump.passes.one import Pass
from autobump.passes.plan import RiskAssessor, learn_advisories, open_risk_assessor, plan_with_risk
from autobump.planning.existing import ExistingState
from autobump.planning.plan import Plan, WaitReason
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError
from autobump.support.git import GitError
from autobump.support.markdown import count, list_some
from autobump.support.printable import printable_path
from autobump.support.progress import Silent

_MAX_TAGS = 5


def explain_item(this_pass: Pass, path: str, origin: str) -> Iterator[str]:
    """Yield the decision trail of one item, line by line; text from outside stands in it as it is.

    What becomes of an item hangs on all others: their number, their packs, the waves. So everything is judged
    and planned as `plan` does it, and the one item is shown; an item that a rule skips needs none of that.

    Args:
        this_pass: A pass over the commit, without filters.
        path: What `find_wanted` takes: an item, or a folder whose items are listed.
        origin: Where the settings come from.

    Raises:
        UsageError: The commit has no such item, or several of this name.
    """
    settings, tree = this_pass.settings, this_pass.tree
    wanted = find_wanted(tree, path, this_pass.cache)
    if isinstance(wanted, Folder):
        yield from _list_items(this_pass, wanted)
        return
    path = wanted
    content = read_content(tree, paths=[escape(path)], progress=Silent(), cache=this_pass.cache)
    shown = printable_path(path)
    yield f"{shown} at {tree.revision[:12]}, settings from {origin}"
    if _is_edited(tree, path):
        yield "The file in the work tree is another one; it counts when it is committed."
    yield ""
    item = next((item for item in content.items if item.path == path), None)
    if item is None:
        yield from _explain_problem(content.problems, shown)
        return
    pack = content.packs[item.pack]
    deprecated = this_pass.fetch_deprecated()
    policy = choose_policy(settings, deprecated)
    for verdict in trace_eligibility(item, pack, policy):
        if verdict.skip_detail is None:
            # Passing "not containerised" would say no twice.
            rule = verdict.rule.value.removeprefix("not-").removeprefix("no-")
            yield _line("pass", rule, verdict.fact)
        else:
            yield _line("skip", verdict.rule.value, verdict.skip_detail)
    eligible = decide_eligibility(item, pack, policy)
    if not isinstance(eligible, Eligible):
        yield ""
        yield "The item is skipped; the registry is not asked."
        return
    repository = eligible.image.repository
    holds = find_holds(settings.holds, item, repository)
    for number, hold in enumerate(settings.holds):
        if hold in holds:
            yield _line("hold", f"policy.holds.{number}", hold.reason)
    chosen = this_pass.evaluate(deprecated)
    if any(problem.path == path for problem in chosen.problems):
        yield from _explain_problem(chosen.problems, path)
        return
    assessor = open_risk_assessor(this_pass)
    chosen = learn_advisories(this_pass, chosen, assessor)
    evaluation, plan = plan_with_risk(this_pass, chosen, ExistingState(), assessor)
    bump = next((bump for bump in chosen.bumps if bump.path == path), None)
    if bump is not None:
        yield _line("update", "target", f"{bump.image.tag or 'no tag'} -> {bump.target.tag}")
        if bump.held_back:
            yield _line("held", "newer tag", bump.held_back)
        yield from _explain_advisories(bump.advisories)
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
        releases = _with_facts(this_pass, assessor, repository, releases)
        yield from tag_lines(
            releases, eligible.current, settings, this_pass.now, limit=_MAX_TAGS, why_held=why_not
        )


def _with_facts(
    this_pass: Pass, assessor: RiskAssessor | None, repository: str, releases: tuple[Release, ...]
) -> tuple[Release, ...]:
    """Add the dates and digests that a body or `tags` tells; a source that does not answer adds none."""
    with suppress(RegistryError):
        releases = with_facts(this_pass.source, repository, releases, _MAX_TAGS)
    images = assessor.images if assessor else None
    if images is None:
        return releases
    images.learn((repository, release.tag.text) for release in releases[:_MAX_TAGS])
    return tuple(
        replace(release, created=release.created or facts.created, digest=release.digest or facts.digest)
        if (facts := images.facts(repository, release.tag.text))
        else release
        for release in releases
    )


def _list_items(this_pass: Pass, folder: Folder) -> Iterator[str]:
    """Yield a line for each item of a folder, with its image and what becomes of it."""
    globs = [f"{escape(folder.path)}/*"]
    content = read_content(this_pass.tree, paths=globs, progress=Silent(), cache=this_pass.cache)
    images = {item.path: item.fields.image.text or "no image" for item in content.items}
    result = this_pass.plan()
    evaluation, plan = result.evaluation, result.plan
    ends = {row.path: f"skipped, {row.reason}" for row in evaluation.skipped}
    ends |= {row.path: f"problem, {row.reason}" for row in evaluation.problems}
    ends |= {wait.bump.path: f"waits, {wait.reason.value}" for wait in plan.waiting}
    ends |= {
        bump.path: f"to {bump.target.tag} in {planned.branch}"
        for planned in plan.pull_requests
        for bump in planned.bumps
    }
    held = count(len(folder.items), "item")
    yield f"{printable_path(folder.path)} holds {held}; name one for all that was decided:"
    yield ""
    for path in folder.items:
        yield f"{printable_path(path)}  {images.get(path, 'cannot be read')}  {ends[path]}"


def _is_edited(tree: ContentTree, path: str) -> bool:
    """Whether the commit is the one that is checked out, and its work tree has another text of a file."""
    try:
        if tree.git.line("rev-parse", "HEAD") != tree.revision:
            return False
        data = Path(tree.git.line("rev-parse", "--show-toplevel"), path).read_bytes()
        # Git may check a file out with other line ends than it keeps.
        return data.splitlines() != (tree.read_file(path) or b"").splitlines()
    except (GitError, OSError):  # a bare repository has no work tree
        return False


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
        for finding in risk.settled:
            yield _line("settled", finding.level.words, describe_finding(finding))
        if risk.evidence:
            told = risk.evidence.detail or "it runs alike in both images"
            yield _line("run", f"{risk.evidence.verdict.value} ({risk.evidence.level.value})", told)
        if risk.level is RiskLevel.BREAKING:
            yield _line("risk", "policy.risk.breaking", policy.breaking)
        elif risk.level is RiskLevel.REVIEW:
            yield _line("risk", "policy.risk.review", policy.review)


def _explain_advisories(diff: AdvisoryDiff | None) -> Iterator[str]:
    if diff is not None and not diff.known:
        yield _line(
            "security", "not known", "the packages or their known vulnerabilities could not be learned"
        )
    elif diff is not None:
        for what, advisories in (("fixes", diff.fixed), ("brings in", diff.introduced)):
            for one in advisories:
                told = f"{one.id} in {', '.join(one.packages)}: {one.summary}"
                yield _line("security", f"{what} ({one.severity.value})", told)
        named = list_some([one.id for one in diff.remaining])
        yield _line("security", "remaining", named or "none that is known")


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


def _place(problem: Problem) -> str:
    of = f"{problem.file}, " if problem.file else ""
    return (
        f"{problem.detail} ({of}line {problem.line}, column {problem.column})"
        if problem.line
        else problem.detail
    )


def _line(outcome: str, rule: str, detail: str) -> str:
    return f"{outcome + ' ':<8}{rule:<22}{detail}"
