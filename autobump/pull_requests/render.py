"""Writes what people read: title, body, marker and commit message."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from autobump.content.pack import next_version, release_notes_name
from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence, Verdict, tell_verdicts
from autobump.images.advisories.compare import count_severities, merge
from autobump.planning.parts import ALONE, Part
from autobump.planning.pull_request import PlannedImage, PlannedPullRequest
from autobump.pull_requests.body.security import security_of
from autobump.pull_requests.body.text import BodyContext, render_body
from autobump.pull_requests.marker import (
    ITEM_DIGITS,
    Marker,
    MarkerImage,
    describe_update,
    hash_base,
    hash_item,
    render_marker,
    render_trailer,
)
from autobump.pull_requests.options import PullRequestOptions
from autobump.support.markdown import MAX_BODY, count
from autobump.support.printable import printable

_MAX_MARKER = 40_000
_ITEM_LENGTH = ITEM_DIGITS + len('"",')
_SPARE = 200
"""Left free, so that a full body can still take the reason why it was closed into its marker."""

_STATUS_DIGITS = 16
_RISK_WORDS = {"breaking": "may break", "review": "to review"}


class CommitStatus(Struct, frozen=True):
    """What running the items of a pull request showed, as a status of its commit.

    Attributes:
        passes: Whether nothing breaks.
        description: How many items there are of each verdict.
        name: Another one when anything of the evidence changes.
    """

    passes: bool
    description: str
    name: str


class DesiredPullRequest(Struct, frozen=True, dict=True):
    """A planned pull request with everything that will stand in it, but for the commit's own name.

    Marker and text are written when they are first asked for: a plan shows neither.

    Attributes:
        planned: What it updates.
        options: What it gets beside its text.
        with_notes: It also moves each pack's version and adds release notes.
        contexts: What the body tells of each of its images beside the plan, in the order of these.
        codes: Names the code of its items, by path; asked only when the body is written, or a merged pull
            request may hold the same. One that is not named is as its file is.
        part: What its title tells it by from others of the same update.
    """

    planned: PlannedPullRequest
    options: PullRequestOptions
    with_notes: bool
    contexts: tuple[BodyContext, ...]
    codes: Callable[[], Mapping[str, str]] = dict
    part: Part = ALONE

    @cached_property
    def title(self) -> str:
        """One line."""
        planned = self.planned
        told = [f"wave {planned.wave}"] if planned.wave else []
        told += [_RISK_WORDS.get(planned.risk_group, planned.risk_group)] if planned.risk_group else []
        if fixed := merge(security_of(image) for image in planned.images).fixed:
            worst = [one for one in fixed if one.severity is fixed[0].severity]
            told += [f"fixes {count_severities(worst)}"]
        packs = count(len(planned.packs), "pack")
        if self.part.names_packs:
            packs = ", ".join(map(printable, planned.packs))
        elif self.part.number:
            packs += f", part {self.part.number} of {self.part.of}"
        title = ", ".join([packs, *told])
        update = describe_update((image.repository, image.target.tag.text) for image in planned.images)
        return f"{update} ({title})"

    @cached_property
    def status(self) -> CommitStatus | None:
        """The status that its commit gets; None where nothing was run."""
        return _status({bump.path: bump.risk.evidence for bump in self.planned.bumps if bump.risk})

    @cached_property
    def marker(self) -> Marker:
        """The marker without `head`, and without what its items are."""
        planned = self.planned
        marker = Marker(
            image=planned.repository,
            target=planned.target.tag.text,
            digest=planned.target.digest or "",
            packs=planned.packs,
            paths=planned.paths,
            base=hash_base(_base_files(planned, with_notes=self.with_notes)),
            branch=planned.branch,
            wave=planned.wave,
            lane=planned.risk_group,
            risk=worst_risk(planned),
            evidence=self.status.name if self.status else "",
            advisories=_name_advisories(planned),
            batch=tuple(map(_mark, planned.images)) if len(planned.images) > 1 else (),
            part=f"{self.part.number}/{self.part.of}" if self.part.number else "",
        )
        # `base` covers the paths, too.
        length = len(render_marker(marker)) + len(planned.paths) * _ITEM_LENGTH
        return marker if length <= _MAX_MARKER else marker.without_paths()

    @cached_property
    def items(self) -> Mapping[str, str]:
        """What its items are, by path."""
        codes = self.codes()
        return {
            bump.path: hash_item(
                bump.path, bump.item.fields.image.text or "", codes.get(bump.path, bump.item.blob)
            )
            for bump in self.planned.bumps
        }

    @cached_property
    def whole_marker(self) -> Marker:
        """The marker without `head`, as it is written."""
        length = len(render_marker(self.marker)) + len(self.planned.paths) * _ITEM_LENGTH
        fits = length <= _MAX_MARKER
        return replace(self.marker, items=tuple(self.items.values())) if fits else self.marker

    @cached_property
    def text(self) -> str:
        """The body without the marker; with it at most `MAX_BODY` characters long."""
        room = MAX_BODY - len(render_marker(self.whole_marker.at("0" * 64))) - _SPARE
        return render_body(self.planned, self.contexts, room)

    @property
    def branch(self) -> str:
        """Its branch."""
        return self.planned.branch

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels it gets."""
        return self.options.labels

    @property
    def commit_message(self) -> str:
        """The message of its one commit, with the marker as trailer."""
        changes = "\n".join(
            f"- {bump.path}: {_current(bump)} -> {bump.target.tag}" for bump in self.planned.bumps
        )
        return f"{self.title}\n\n{changes}\n\n{render_trailer(self.whole_marker)}\n"

    def body_at(self, head: str) -> str:
        """Return the body for the commit that holds the changes."""
        return f"{self.text}\n\n{render_marker(self.whole_marker.at(head))}\n"


def _mark(image: PlannedImage) -> MarkerImage:
    target = image.target
    return MarkerImage(image.repository, target.tag.text, target.digest or "", image.packs, image.paths)


def worst_risk(planned: PlannedPullRequest) -> str:
    """Return the worst level of a pull request's items, or nothing while some are not known."""
    risks = [bump.risk for bump in planned.bumps]
    if any(risk is None or not risk.checked for risk in risks):
        return ""
    return max((risk.level for risk in risks if risk), key=lambda level: level.rank).value


def _status(evidence: Mapping[str, Evidence | None]) -> CommitStatus | None:
    known = {path: one for path, one in evidence.items() if one}
    if not known:
        return None
    told = json.dumps([[path, one.level, one.verdict, one.detail] for path, one in sorted(known.items())])
    name = hashlib.sha256(told.encode()).hexdigest()[:_STATUS_DIGITS]
    breaks = any(one.verdict is Verdict.BREAKS for one in known.values())
    return CommitStatus(not breaks, tell_verdicts(known.values()), name)


def _name_advisories(planned: PlannedPullRequest) -> str:
    """Return what is another text when the pull request fixes or brings in something else."""
    told = [security_of(image) for image in planned.images]
    if not any(one.known for one in told):
        return ""
    ids = [[[one.id for one in each] for each in (diff.fixed, diff.introduced)] for diff in told]
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:_STATUS_DIGITS]


def _base_files(planned: PlannedPullRequest, *, with_notes: bool) -> Iterable[tuple[str, str]]:
    """Yield path and blob of every file the pull request is built on; a new file counts as its own name."""
    for bump in planned.bumps:
        yield bump.path, bump.item.blob
        metadata, files = bump.pack.metadata, bump.pack.files
        if with_notes and metadata and files.metadata:
            yield files.metadata.path, files.metadata.blob
            notes = release_notes_name(next_version(metadata.version, files.release_notes))
            yield f"{files.folder}/ReleaseNotes/{notes}", ""


def _current(bump: Bump) -> str:
    return bump.image.tag or "no tag"
