"""The outcome as one page for a browser, which holds all it needs and never uses the network."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from statistics import median_low
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.decisions.describe import describe_finding
from autobump.decisions.risk import RiskLevel
from autobump.images.advisories.record import Severity
from autobump.images.registries import full_name
from autobump.passes.result import PassResult, RepositoryOutcome, merge_outcomes
from autobump.planning.queue import describe_queue, queue_rows
from autobump.pull_requests.marker import hide_marker
from autobump.pull_requests.render import DesiredPullRequest
from autobump.report.images import NOT_KNOWN, describe_open
from autobump.report.summary import (
    DRY_RUN,
    deprecated_line,
    describe_actions,
    evidence_line,
    evidence_rows,
    headline,
    problem_lines,
    pull_request_lines,
    riskiest,
    security_line,
)
from autobump.report.usage import (
    ImageInUse,
    age_bands,
    ages_of_items,
    describe_age,
    images_in_use,
)
from autobump.support.markdown import count
from autobump.support.printable import printable

MAX_TEXT = 500
"""Longest piece of outside text shown in one place, in characters."""

MAX_BODY_TEXT = 20_000
"""Longest part of a body that is shown, in characters."""

_YEAR = timedelta(days=365.25)
_NOTHING = Markup()
_PLACE = "\0"
"""Stands in the frame where a result goes; `_shown` lets none of outside text through."""

_BUFFERED = 1000
"""Pieces of the template that are put together at once."""


class _Heading(Struct, frozen=True):
    """A section's title, and how many rows or items it tells of."""

    title: str
    total: int


class _Group(Struct, frozen=True):
    """Rows of one table under one heading that can be opened."""

    name: str
    rows: Sequence[Any]
    open: bool = True


class _Bar(Struct, frozen=True):
    """A piece of a bar or of a time line, in percent of its width; a dot has a radius in pixels."""

    kind: str
    left: float
    width: float = 0
    label: str = ""
    radius: float = 0
    strength: float = 1


class _ImageRow(Struct, frozen=True):
    """An image as the page shows it."""

    image: ImageInUse
    deprecated: bool
    oldest: str
    newest: str
    line: tuple[_Bar, ...]
    spread: tuple[_Bar, ...]
    ages: tuple[str, ...]
    open: str
    open_kind: str


class _Part(Struct, frozen=True):
    """One of several repositories as the page shows it: its result, or why there is none."""

    id: str
    name: str
    headline: str = ""
    failure: str = ""
    failed: bool = True


def html_parts(result: PassResult) -> Iterator[str]:
    """Yield the outcome as a page, as it is made, so that a large one is never held whole.

    The same outcome gives the same text.
    """
    title = f"{result.repository}, {headline(result)}" if result.repository else headline(result)
    scope = count(result.evaluation.files, "item file")
    frame = _render_frame(result, title, scope, {"parts": (), "rows": True})
    return _fill(frame, [_result_parts(_view(result), bar=_trusted(_read("bar.html")))])


def several_html_parts(outcomes: Sequence[RepositoryOutcome]) -> Iterator[str]:
    """Yield what came of several repositories as one page, each in a part of its own."""
    merged, scope = (
        merge_outcomes(outcomes),
        f"{len(outcomes)} repositor{'y' if len(outcomes) == 1 else 'ies'}",
    )
    parts, views = [], []
    for number, outcome in enumerate(outcomes, 1):
        id, name, result = f"r{number}", outcome.repository, outcome.result
        if result is None:
            parts.append(_Part(id, name, failure=outcome.failure))
        else:
            parts.append(_Part(id, name, headline(result), failed=outcome.failed))
            views.append((id, name, _view(result)))
    body = {
        "parts": parts,
        "rows": any(view["shown"] for _, _, view in views),
        "bar": _trusted(_read("bar.html")),
    }
    frame = _render_frame(merged, f"{scope}, {headline(merged)}", scope, body)
    return _fill(frame, [_result_parts(view, at=f"{id}-", name=name) for id, name, view in views])


def _fill(frame: str, results: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the frame with a result at each of its places."""
    before, *rest = frame.split(_PLACE)
    yield before
    for parts, after in zip(results, rest, strict=True):
        yield from parts
        yield after


def _render_frame(result: PassResult, title: str, scope: str, body: Mapping[str, Any]) -> str:
    style, script = _read("page.css"), _read("page.js")
    # A style or script that the policy does not name is never applied or run, wherever it comes from.
    policy = (
        f"default-src 'none'; style-src '{_source_of(style)}'; script-src '{_source_of(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    text = _template("page.html").render(
        body,
        title=title,
        scope=scope,
        is_run=result.outcomes is not None,
        dry_run=f"{DRY_RUN}." if result.dry_run else "",
        repository=result.repository,
        revision=result.revision,
        now=result.now.astimezone(UTC),
        policy=policy,
        place=_trusted(_PLACE),
        style=_trusted(style),
        script=_trusted(script),
    )
    return f"{text.strip()}\n"


def _result_parts(
    view: Mapping[str, Any], *, at: str = "", name: str = "", bar: Markup = _NOTHING
) -> Iterable[str]:
    """Return what came of one repository in parts of some size.

    Args:
        view: What came of it.
        at: What the ids begin with, to be told from those of other repositories.
        name: The repository, where there are several.
        bar: The filter, if it stands in here.
    """
    frame = {"at": at, "name": name, "bar": bar, "heading_tag": "h3" if name else "h2"}
    stream = _template("result.html").stream(view, **frame)
    stream.enable_buffering(_BUFFERED)
    return stream


def _template(name: str) -> Template:
    environment = Environment(
        autoescape=True, finalize=_shown, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_read(name))


def _view(result: PassResult) -> dict[str, Any]:
    """Return what the template of a result shows."""
    evaluation, plan = result.evaluation, result.plan
    lines = pull_request_lines(result)
    risky = _risk_groups(result)
    images = images_in_use(evaluation, result.created, result.left_open)
    years = _time_axis(images, result.now)
    rows = [_image_row(image, result, years) for image in images]
    spread = [row for row in rows if len(row.image.tags) > 1]
    now, later = ages_of_items(evaluation, result.created, result.now)
    bands = age_bands(now, later)
    by_branch = {line.branch: line for line in lines}
    planned = {path: pr.branch for pr in plan.pull_requests for path in pr.paths}
    updates = [bump for bump in evaluation.bumps if bump.path in planned]
    headings = {
        "failures": _Heading("Failures", len(result.failures)),
        "problems": _Heading("Problems", len(evaluation.problems)),
        "pull-requests": _Heading("Pull requests", len(lines)),
        "risk": _Heading("Items at risk", sum(len(level.rows) for level in risky)),
        "evidence": _Heading("Run in both images, and not the same", len(evidence_rows(result))),
        "updates": _Heading("Updates", len(updates)),
        "waiting": _Heading("Waiting", len(plan.waiting)),
        "queue": _Heading("To follow", result.queue.items),
        "skipped": _Heading("Skipped", len(evaluation.skipped)),
        "ages": _Heading("Ages of tags", len(now)),
        "images": _Heading("Images in use", len(rows)),
        "spread": _Heading("Tag spread", len(spread)),
        "deprecated": _Heading("Deprecated images in use", len(result.deprecated)),
        "notices": _Heading("Notices", len(evaluation.notices)),
    }
    return {
        "is_run": result.outcomes is not None,
        "dry_run": f"{DRY_RUN}." if result.dry_run else "",
        "evaluation": evaluation,
        "plan": plan,
        "lines": lines,
        "problems": problem_lines(evaluation.problems),
        "failures": result.failures,
        "failed_lines": sum(line.failed for line in lines),
        "actions": describe_actions(lines),
        "bodies": {desired.planned.branch: _body(desired) for desired in result.desired},
        "line_of": {path: by_branch[branch] for path, branch in planned.items() if branch in by_branch},
        "updates": updates,
        "waiting": _by_reason((wait.reason.value, wait) for wait in plan.waiting),
        "follows": describe_queue(result.queue),
        "queue": queue_rows(result.queue),
        "skipped": _by_reason((str(skip.reason), skip) for skip in evaluation.skipped),
        "share": _share(result, len(planned)),
        "risky": risky,
        "evidence": evidence_rows(result),
        "told": [line for tell in (deprecated_line, security_line, evidence_line) if (line := tell(result))],
        "images": rows,
        "tells_open": result.left_open is not None,
        "spread": spread,
        "years": years.marks,
        "bands": bands,
        "longest_band": max((number for band in bands for number in (band.now, band.later)), default=0) or 1,
        "dated_items": len(now),
        "median_now": describe_age(median_low(now)) if now else "",
        "median_later": describe_age(median_low(later)) if later else "",
        "deprecated": [
            (image, result.evaluation.count_items(image.repository)) for image in result.deprecated.values()
        ],
        "risk_of": _risk_of,
        "describe_finding": describe_finding,
        "count": count,
        "shown": {key: heading for key, heading in headings.items() if heading.total},
    }


def _body(desired: DesiredPullRequest) -> Markup:
    """Return the body of a pull request as GitHub would show its text, cut at `MAX_BODY_TEXT`."""
    body = hide_marker(desired.body_at(""))
    cut = body if len(body) <= MAX_BODY_TEXT else f"{body[:MAX_BODY_TEXT]}…"
    return escape("\n".join(map(printable, cut.splitlines())))


def _share(result: PassResult, planned: int) -> tuple[_Bar, ...]:
    """Return what became of the item files as one bar."""
    evaluation = result.evaluation
    parts = (
        ("update", "in pull requests", planned),
        ("waiting", "waiting", len(result.plan.waiting)),
        ("skipped", "skipped", len(evaluation.skipped)),
        ("problem", "problems", len(evaluation.problems)),
    )
    return tuple(_stack([(kind, f"{number:,} {what}", number, 1) for kind, what, number in parts]))


def _risk_groups(result: PassResult) -> list[_Group]:
    """Return the updates at risk by level, the worst first, then those of which nothing tells."""
    by_level: dict[RiskLevel, list[Bump]] = {}
    for bump in riskiest(result):
        if bump.risk:
            by_level.setdefault(bump.risk.level, []).append(bump)
    groups = [
        _Group(level.words, bumps, open=level is RiskLevel.BREAKING) for level, bumps in by_level.items()
    ]
    silent = [
        bump
        for bump in result.evaluation.bumps
        if bump.risk and not bump.risk.checked and not bump.risk.findings
    ]
    return [*groups, _Group("unknown", silent, open=False)] if silent else groups


def _risk_of(bump: Bump) -> str:
    if bump.risk is None:
        return "not assessed"
    return bump.risk.level.words if bump.risk.checked else "unknown"


def _by_reason(rows: Iterable[tuple[str, Any]]) -> list[_Group]:
    """Return rows by their reason, the most frequent first."""
    groups: dict[str, list[Any]] = {}
    for reason, row in rows:
        groups.setdefault(reason, []).append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [_Group(reason, group, open=False) for reason, group in ordered]


def _image_row(image: ImageInUse, result: PassResult, axis: "_TimeAxis") -> _ImageRow:
    newest = image.newest

    def age(when: datetime | None) -> str:
        return describe_age(result.now - when) if when else ""

    line = [
        _Bar(
            "dot",
            axis.place(tag.created),
            label=f"{tag.tag}: {count(tag.items, 'item')}, {tag.created:%Y-%m-%d}",
            # The area of a dot tells how many of the image's items are on the tag.
            radius=3 + 4 * (tag.items / image.items) ** 0.5,
        )
        for tag in image.tags
        if tag.created
    ]
    if newest and newest.created:
        end = axis.place(newest.created)
        oldest = min((dot.left for dot in line), default=end)
        label = f"newest: {newest.tag}, {newest.created:%Y-%m-%d}"
        line = [_Bar("span", oldest, max(end - oldest, 0)), *line, _Bar("newest", end, label=label, radius=4)]
    last = max(len(image.tags) - 1, 1)
    spread = _stack(
        [
            ("tag", f"{tag.tag or 'no tag'}: {count(tag.items, 'item')}", tag.items, 1 - 0.75 * index / last)
            for index, tag in enumerate(image.tags)
        ]
    )
    return _ImageRow(
        image,
        deprecated=full_name(image.repository) in result.deprecated,
        oldest=age(image.oldest),
        newest=age(newest.created if newest else None),
        line=tuple(line),
        spread=tuple(spread),
        ages=tuple(age(tag.created) for tag in image.tags),
        open=_describe_open(image),
        open_kind="bad" if any(one.severity.reaches(Severity.HIGH) for one in image.left_open or ()) else "",
    )


def _describe_open(image: ImageInUse) -> str:
    if image.left_open is None:
        return NOT_KNOWN
    rest = f"; {count(image.unknown_tags, 'tag')} {NOT_KNOWN}" if image.unknown_tags else ""
    return describe_open(image.left_open) + rest


class _TimeAxis(Struct, frozen=True):
    """The span of all time lines up to the pass, and marks for it and the first days of a few years."""

    start: datetime
    end: datetime
    marks: tuple[_Bar, ...]

    def place(self, when: datetime) -> float:
        """Return where a time lies, in percent."""
        return min(100 * ((when - self.start) / (self.end - self.start)), 100.0)


def _time_axis(images: Iterable[ImageInUse], now: datetime) -> _TimeAxis:
    start = min([*(date for image in images if (date := image.oldest)), now - _YEAR])
    axis = _TimeAxis(start, now, ())
    step = 1 + (now.year - start.year) // 7
    new_years = [datetime(year, 1, 1, tzinfo=UTC) for year in range(start.year + 1, now.year + 1, step)]
    years = [_Bar("year", axis.place(day), label=str(day.year)) for day in new_years]
    # A year just before the end would run into the word there.
    marks = [*(year for year in years if year.left < 93), _Bar("year", 100, label="now")]
    return replace(axis, marks=tuple(marks))


def _stack(parts: Sequence[tuple[str, str, int, float]]) -> list[_Bar]:
    """Put pieces, given as kind, label, number and strength, side by side into one bar."""
    whole = sum(number for _, _, number, _ in parts)
    bars: list[_Bar] = []
    left = 0
    for kind, label, number, strength in parts:
        if number:
            bars.append(_Bar(kind, 100 * left / whole, 100 * number / whole, label, strength=strength))
            left += number
    return bars


def _shown(value: Any) -> Any:
    """Make text from outside fit to be shown; the template engine escapes what this returns.

    Every expression of the template comes through here, so that none can be forgotten.
    """
    if isinstance(value, float):
        return f"{value:.2f}"
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
    return printable(text)


def _read(name: str) -> str:
    return files("autobump.report").joinpath(name).read_text(encoding="utf-8")


def _trusted(text: str) -> Markup:
    """Let a file of this package, or what a template of it became, into the page as it is."""
    return Markup(text)  # noqa: S704 - what is in it from outside is escaped already


def _source_of(text: str) -> str:
    """Return the source expression of a Content-Security-Policy that allows exactly this text."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
