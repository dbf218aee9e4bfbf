"""Writes the body of a pull request: may this be merged?"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from msgspec import Struct, field

from autobump.decisions.bump import Bump
from autobump.decisions.describe import group_findings, say_cause
from autobump.decisions.evidence import Evidence, Verdict, tell_verdicts
from autobump.decisions.level import Level
from autobump.decisions.risk import LOST, Finding, FindingKind, RiskLevel
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.inside.facts import ImageFacts
from autobump.planning.plan import WaitReason
from autobump.planning.pull_request import PlannedImage, PlannedPullRequest
from autobump.pull_requests.body.image_change import (
    FACT_HEADERS,
    describe_licences,
    fact_cells,
    summarise_packages,
)
from autobump.pull_requests.body.package_tables import package_tables, system_tables
from autobump.pull_requests.body.security import describe_security, security_section
from autobump.support.markdown import LongList, code, count, join_within, list_some, long_table

_LEVEL_WORDS = {Level.LOAD: "load", Level.TESTS: "unit tests"}
_OPT_OUT = """\
### Not wanted?

- **One item, for good:** put `autoUpdateDockerImage: false` at the top level of its YAML file.
- **These packs, until a newer tag appears:** close this pull request.
- **Take it over:** push to the branch; autobump then leaves it alone."""
_OPT_OUT_OF_BATCH = _OPT_OUT.replace(
    "**These packs, until a newer tag appears:** close this pull request.",
    "**All of these images in these packs, until newer tags appear:** close this pull request.",
).replace("### ", "## ")
_HOW_TO_JUDGE = "Merge where you trust these changes, or try one such item first."
_SIGNS = {RiskLevel.BREAKING: "⚠️", RiskLevel.REVIEW: "🔎"}


class LeftOut(Struct, frozen=True):
    """Items of the same image that are not in the pull request, and why; `example` is one of their paths."""

    reason: str
    items: int
    example: str


class BodyContext(Struct, frozen=True):
    """What a body tells of one image beside the plan.

    Attributes:
        diffs: What changes inside the image, by old tag; of an image that is not known it has no packages.
        old: What is inside the image, by old tag, where it is known.
        new: What is inside the target, or None.
        left_out: Items of the same image that are not in it.
        deprecated: Why the image is deprecated, or None.
        links: Address that a path is put behind to see the file, or empty for no links.
    """

    diffs: Mapping[str, ImageDiff] = field(default_factory=dict)
    old: Mapping[str, ImageFacts] = field(default_factory=dict)
    new: ImageFacts | None = None
    left_out: tuple[LeftOut, ...] = ()
    deprecated: DeprecatedImage | None = None
    links: str = ""


def render_body(planned: PlannedPullRequest, contexts: Sequence[BodyContext], room: int) -> str:
    """Write a body of at most `room` characters.

    The order is the one of a reviewer's questions: what, is it safe, what changes inside, which items, what
    is missing, and how to say no. When it is too long the longest list is cut, again and again, and says so.

    Args:
        planned: The pull request.
        contexts: What is told of each of its images, in the order of these.
        room: Most characters.
    """
    sections: list[str | LongList] = [_headline(planned)]
    pairs = list(zip(planned.images, contexts, strict=True))
    if len(pairs) > 1:
        sections.append(_overview(planned.images))
    for image, context in pairs:
        if len(pairs) > 1:
            sections.append(f"## {_name(image)}")
        sections += _image_sections(image, context)
    sections.append(_OPT_OUT_OF_BATCH if len(pairs) > 1 else _OPT_OUT)
    return join_within(sections, room)


def _headline(planned: PlannedPullRequest) -> str:
    items, packs = count(len(planned.bumps), "item"), count(len(planned.packs), "pack")
    if len(planned.images) > 1:
        return f"Updates {items} in {packs} to newer tags of {count(len(planned.images), 'image')}."
    return f"Updates {items} in {packs} to {_name(planned.images[0])}."


def _overview(images: Sequence[PlannedImage]) -> LongList:
    """Say in a row for each image how many items it has, and whether anything speaks against merging."""
    rows = [
        (_name(image), str(len(image.bumps)), str(len(image.packs)), _risk_in_a_word(image))
        for image in images
    ]
    return long_table("", ("Image", "Items", "Packs", "Risk"), rows, "image")


def _risk_in_a_word(image: PlannedImage) -> str:
    """Return the worst risk of the items, or that some are not known."""
    risks = [bump.risk for bump in image.bumps]
    levels = [risk.level for risk in risks if risk is not None]
    worst = max(levels, key=lambda level: level.rank, default=RiskLevel.NONE)
    if worst in _SIGNS:
        return f"{_SIGNS[worst]} {worst.words}"
    checked = all(risk is not None and risk.checked for risk in risks)
    return "✅ none found" if checked else "❔ not known"


def _name(image: PlannedImage) -> str:
    return code(f"{image.repository}:{image.target.tag}")


def _image_sections(image: PlannedImage, context: BodyContext) -> list[str | LongList]:
    sections: list[str | LongList] = [_verdict(image, context)]
    sections += security_section(image)
    sections += _evidence_section(image)
    sections += _risk_section(image)
    sections += _change_sections(image, context)
    sections.append(_items_section(image, context))
    if context.left_out:
        sections.append(_left_out_section(context.left_out))
    return sections


def _verdict(image: PlannedImage, context: BodyContext) -> str:
    """Say in a line whether anything speaks against merging."""
    assessed = [bump.risk for bump in image.bumps if bump.risk is not None]
    levels = [risk.level for risk in assessed]
    safe = len(assessed) == len(image.bumps) and all(risk.checked for risk in assessed)
    parts: list[str] = []
    if breaking := levels.count(RiskLevel.BREAKING):
        parts.append(f"⚠️ **{count(breaking, 'item')} may break:** {_causes(image, RiskLevel.BREAKING)}.")
    elif review := levels.count(RiskLevel.REVIEW):
        kept = f"; no import is lost. {_HOW_TO_JUDGE}" if _keeps_imports(image) else "."
        causes = _causes(image, RiskLevel.REVIEW)
        parts.append(f"🔎 **{count(review, 'item')} to look at:** {causes}{kept}")
    elif safe:
        same = context.diffs and all(diff.changes == () for diff in context.diffs.values())
        if same:
            why = "the packages are the same, it is a rebuild"
        elif all(risk.evidence and risk.evidence.verdict is Verdict.SAME for risk in assessed):
            why = "every item runs alike in both images"
        else:
            why = "nothing that the items import is at risk"
        parts.append(f"✅ **No risk found:** {why}.")
    if unlooked := len(image.bumps) - len(assessed):
        parts.append(f"❔ What is inside the images of {count(unlooked, 'item')} is not known.")
    if unchecked := sum(1 for risk in assessed if not risk.checked):
        parts.append(f"❔ **{count(unchecked, 'item')} not checked in full**, see below.")
    if security := describe_security(image):
        parts.append(security)
    if evidence := _evidence(image):
        levels_run = " and ".join(sorted({_LEVEL_WORDS[one.level] for one in evidence.values()}))
        parts.append(f"🧪 Run in both images ({levels_run}): {tell_verdicts(evidence.values())}.")
    if licences := describe_licences(context.diffs.values()):
        parts.append(f"⚖️ {licences}")
    for held in sorted({bump.held_back for bump in image.bumps if bump.held_back}):
        parts.append(f"⏸️ A newer tag is held back: {code(held)}")
    if context.deprecated:
        parts.append(f"🪦 The image is deprecated: {code(context.deprecated.reason)}")
    return "\n\n".join(parts)


def _causes(image: PlannedImage, level: RiskLevel) -> str:
    """Say what the findings of a level are about, each with the number of its items, and Python last."""
    items: Counter[tuple[bool, str]] = Counter()
    about = 0
    for bump in image.bumps:
        found = {one for one in bump.risk.findings if one.level is level} if bump.risk else set()
        items.update({(one.kind is FindingKind.PYTHON, say_cause(one)) for one in found})
        about += bool(found)
    told = [
        words if about == 1 else f"{words} for {'all' if number == len(image.bumps) else number}"
        for (_, words), number in sorted(items.items(), key=lambda one: (one[0][0], -one[1], one[0][1]))
    ]
    return list_some(told)


def _keeps_imports(image: PlannedImage) -> bool:
    """Whether all code was looked at, and nothing that it imports goes missing."""
    return all(
        bump.risk
        and bump.risk.checked
        and not bump.risk.note
        and not any(one.kind in LOST for one in bump.risk.findings)
        for bump in image.bumps
    )


def _evidence(image: PlannedImage) -> dict[str, Evidence]:
    """Return the evidence of the items that have some, by path."""
    return {bump.path: bump.risk.evidence for bump in image.bumps if bump.risk and bump.risk.evidence}


def _evidence_section(image: PlannedImage) -> list[str | LongList]:
    """List what broke and what could not be told, and what no longer is a concern."""
    evidence = _evidence(image)
    about: dict[tuple[int, str, str], list[Bump]] = defaultdict(list)
    for bump in image.bumps:
        one = evidence.get(bump.path)
        if one is not None and one.verdict is not Verdict.SAME:
            about[one.verdict.rank, one.verdict.words, one.detail].append(bump)
    settled = group_findings((bump, one) for bump in image.bumps if bump.risk for one in bump.risk.settled)
    everything = len(image.bumps)
    lines = [
        f"- **{words}**: {code(detail)}: {_named(bumps, everything)}"
        for (_, words, detail), bumps in sorted(about.items(), key=lambda one: one[0])
    ]
    lines += [
        f"- settled, it runs all the same: {words}: {_named(bumps, everything)}"
        for _, words, bumps in settled
    ]
    return [LongList("### Evidence\n", lines, "line")] if lines else []


def _risk_section(image: PlannedImage) -> list[str | LongList]:
    """List each finding once, with the items it is about."""
    found: list[tuple[Bump, Finding]] = []
    silent: dict[str, list[Bump]] = defaultdict(list)
    for bump in image.bumps:
        if bump.risk is None:
            continue
        # What a run showed has a section of its own.
        found += [(bump, one) for one in bump.risk.findings if one.kind is not FindingKind.EVIDENCE]
        if bump.risk.note and not bump.risk.checked:
            silent[f"**unknown**: {bump.risk.note}"].append(bump)
        elif bump.risk.note:
            silent[bump.risk.note].append(bump)
    lines = [
        f"- **{finding.level.words}**: {words}: {_named(bumps, len(image.bumps))}"
        for finding, words, bumps in group_findings(found)
    ]
    lines += [f"- {note}: {_named(bumps, len(image.bumps))}" for note, bumps in sorted(silent.items())]
    return [LongList("### Risk\n", lines, "finding")] if lines else []


def _named(bumps: Sequence[Bump], everything: int) -> str:
    if len(bumps) == everything > 1:
        return "all items"
    return list_some([code(bump.item.fields.name) for bump in bumps])


def _change_sections(image: PlannedImage, context: BodyContext) -> list[str | LongList]:
    """Show the facts of every old tag and of the new one, then the packages between each old tag and it."""
    users: dict[str, int] = defaultdict(int)
    for bump in image.bumps:
        users[bump.image.tag or ""] += 1
    tags = sorted(users, key=lambda tag: (-users[tag], tag))
    rows = [
        (*fact_cells(tag or "no tag", context.old.get(tag), _packages(context, tag)), str(users[tag]))
        for tag in tags
    ]
    new = fact_cells(image.target.tag.text, context.new or _published(image), "")
    rows.append((f"→ {new[0]}", *new[1:], ""))
    sections: list[str | LongList] = [
        long_table("### What changes inside\n\n", (*FACT_HEADERS, "Items"), rows, "tag")
    ]
    digest = image.target.digest or (context.new.digest if context.new else None)
    if digest:
        sections.append(f"Digest of the new image: {code(digest)}")
    diffs = {tag or "no tag": diff for tag in tags if (diff := context.diffs.get(tag))}
    return [*sections, *package_tables(diffs), *system_tables(diffs)]


def _packages(context: BodyContext, tag: str) -> str:
    return summarise_packages(context.diffs.get(tag))


def _published(image: PlannedImage) -> ImageFacts:
    return ImageFacts(created=image.target.created)


def _items_section(image: PlannedImage, context: BodyContext) -> LongList:
    rows = []
    for pack, bumps in groupby(image.bumps, key=lambda bump: bump.item.pack):
        for number, bump in enumerate(bumps):
            name = code(bump.item.fields.name)
            if context.links:
                name = f"[{name}]({context.links}{quote(bump.path)})"
            rows.append(
                (
                    code(pack) if number == 0 else "",
                    name,
                    bump.item.kind.value,
                    code(bump.image.tag or "no tag"),
                )
            )
    return long_table("### Items\n\n", ("Pack", "Item", "Kind", "From"), rows, "item")


def _left_out_section(left_out: Iterable[LeftOut]) -> LongList:
    waits = {reason.value: f", {reason.words}" for reason in WaitReason}
    lines = [
        f"- {code(one.reason)}{waits.get(one.reason, '')}: {count(one.items, 'item')}, such as "
        f"{code(one.example)}"
        for one in left_out
    ]
    return LongList(
        "### Left out\n\nOther items on this image that stay as they are for now:\n", lines, "reason"
    )
