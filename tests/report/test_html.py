import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from autobump.cli import run_command
from autobump.content.problem import Problem
from autobump.decisions.eligibility import Skipped
from autobump.decisions.evaluation import Notice
from autobump.decisions.risk import ItemRisk
from autobump.images.choice import sort_releases
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.passes.result import PassResult, RepositoryOutcome
from autobump.planning.plan import Limits
from autobump.pull_requests.actions import Action, Close, Create, Leave, Outcome
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.report.html import (
    MAX_BODY_TEXT,
    MAX_TEXT,
    html_parts,
    several_html_parts,
)
from autobump.report.summary import PullRequestLine, describe_actions
from tests.fixtures.browser import look_at
from tests.fixtures.bumps import make_bump
from tests.fixtures.osv import osv_record
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.results import RELEASES, REVISION, at_risk, hostile_result, make_result, render_html

VOID = {"meta", "input", "wbr", "link", "br", "img", "hr"}
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"onmouseover=alert(1) x="',
    "'><svg onload=alert(1)>",
    "--><!-- {{ 7 * 7 }} {% raw %}",
    "\0\x1b[31m\r\n\x85\u2028",
    "safe\u202egnp.exe\u2066\u200b",
    "\ud800",
    "&lt;b&gt;&#x3c;",
)


class Page(HTMLParser):
    """A page as a browser reads it: elements with their attributes, and the text of each element by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        assert len(found) == len(attrs), f"an attribute stands twice: {attrs}"
        self.elements.append((tag, found))
        if tag not in VOID:
            self._open.append((tag, found.get("id", tag)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] not in ("style", "script"):
            self.text += data
        for _, name in self._open:
            self.texts[name] = self.texts.get(name, "") + data

    def find(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every such element."""
        return [attributes for name, attributes in self.elements if name == tag]

    def count(self, section: str) -> str:
        """Return what stands beside the title of a section."""
        return self.texts[f"{section}-title"].split()[-1]


def full_result() -> PassResult:
    """Return a result that has something to say in every section."""
    path = "Packs/S/Scripts/S/S.yml"
    return make_result(
        [
            at_risk(make_bump("Alpha", "One")),
            make_bump("Beta", "Two", current="1.0.0.5"),
            make_bump("Gamma", "Three", image="demisto/boto3"),
        ],
        skipped=[
            Skipped(path, "S", "deprecated-item", "deprecated: true", "demisto/boto3", "1.0.0.1"),
            Skipped(path.replace("S.yml", "T.yml"), "S", "not-containerised", "type is javascript"),
        ],
        problems=[Problem("Packs/P/Scripts/P/P.yml", "P", "invalid-yaml", "found a tab", 3, 7)],
        notices=[Notice("Packs/N/Scripts/N/N.yml", "autoUpdateDockerImage stands under script:")],
        found={"demisto/python3": RELEASES, "demisto/boto3": RELEASES},
        deprecated=[DeprecatedImage("demisto/boto3", "Use the boto3py3 image instead.", "demisto/boto3py3")],
        limits=Limits(max_open=1),
        dashboard_failure="the repository has no issues",
    )


def test_large_page_is_made_in_parts() -> None:
    bumps = [make_bump(f"Pack{number}", "One") for number in range(3000)]
    parts = list(html_parts(make_result(bumps)))
    assert max(map(len, parts)) * 10 < sum(map(len, parts))


def test_page_is_whole_and_tells_every_section() -> None:
    page = Page(render_html(full_result()))
    assert page.elements[0][0] == "html"
    assert page.find("html") == [{"lang": "en"}]
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    sections = [attributes["id"] for attributes in page.find("section")]
    assert sections == [
        "failures",
        "problems",
        "pull-requests",
        "risk",
        "updates",
        "waiting",
        "queue",
        "skipped",
        "ages",
        "images",
        "spread",
        "deprecated",
        "notices",
    ]
    assert [page.count(section) for section in sections] == list("1111211232111")
    assert "6 item files at 0123456789ab, 2026-06-01 03:00 UTC" in page.text


def test_rows_say_what_they_are_of() -> None:
    page = Page(render_html(full_result()))

    def says(section: str) -> str:
        return " ".join(page.texts[section].split())

    assert "dashboard the repository has no issues" in says("failures")
    assert "Packs/P/Scripts/P/P.yml:3:7 1 invalid-yaml found a tab" in says("problems")
    assert "Update demisto/python3 to 1.0.0.9 (2 packs) autobump/python3/" in says("pull-requests")
    assert "imports devo of the package devo-sdk 3.4.2, which the new image lacks" in says("risk")
    assert "Two Packs/Beta/Scripts/Two/Two.yml demisto/python3 1.0.0.5 → 1.0.0.9" in says("updates")
    assert "limit-reached 1" in says("waiting")
    assert "pull_requests.max_open is 1" in says("waiting")
    assert "1 item of 1 image in 1 later pull request: all is done in about 1 more pass" in says("queue")
    assert "demisto/boto3 1 1" in says("queue")
    assert "demisto/boto3 1.0.0.1 deprecated: true" in says("skipped")
    assert "demisto/boto3 deprecated 2 4.4 years 31 days" in says("images")
    assert "1.0.0.5 1 age unknown 1.0.0.1 1 4.4 years" in says("spread")
    assert "demisto/boto3 2 demisto/boto3py3 Use the boto3py3 image instead." in says("deprecated")


def test_headings_are_in_order_and_regions_are_named_and_reachable() -> None:
    page = Page(render_html(full_result()))
    headings = [tag for tag, _ in page.elements if tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    assert headings[0] == "h1"
    assert set(headings[1:]) == {"h2"}
    regions = [attributes for attributes in page.find("div") if attributes.get("role") == "region"]
    assert len(regions) == len(page.find("table"))
    assert all(region["tabindex"] == "0" for region in regions)
    assert len({region["aria-label"] for region in regions}) == len(regions)


def test_links_within_the_page_have_their_target() -> None:
    for result in (full_result(), make_result()):
        page = Page(render_html(result))
        ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
        links = {attributes["href"] for attributes in page.find("a") if "href" in attributes}
        assert {link.removeprefix("#") for link in links} <= ids


def test_same_result_gives_the_same_page() -> None:
    assert render_html(full_result()) == render_html(full_result())


@pytest.mark.parametrize("make", [full_result, make_result, lambda: hostile_result("x")])
def test_page_needs_nothing_from_elsewhere(make: Callable[[], PassResult]) -> None:
    page = Page(render_html(make()))
    loading = {"src", "srcset", "data", "action", "formaction", "background", "poster", "xlink:href"}
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "audio", "video")
        assert not loading & attributes.keys()
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:
            assert tag == "a"
            assert attributes["href"].startswith(("#", "https://example.com/"))
    style = page.texts["style"]
    assert "url(" not in style
    assert "@import" not in style


def test_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    page = Page(render_html(full_result()))
    assert len(page.find("style")) == len(page.find("script")) == 1
    (policy,) = [meta["content"] for meta in page.find("meta") if "http-equiv" in meta]
    hashes = {
        name: b64encode(sha256(page.texts[name].encode()).digest()).decode() for name in ("style", "script")
    }
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{hashes['style']}'",
        f"script-src 'sha256-{hashes['script']}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(text: str) -> None:
    hostile, harmless = Page(render_html(hostile_result(text))), Page(render_html(hostile_result("harmless")))
    # Whatever the text says, it makes no element and no attribute.
    assert shape(hostile) == shape(harmless)
    shown = text.encode("unicode_escape", "surrogatepass").decode() if not text.isprintable() else text
    assert hostile.text.count(shown) > 15
    assert all(char.isprintable() or char == "\n" for char in hostile.text)


def shape(page: Page) -> list[tuple[str, list[str]]]:
    """Return the elements of a page with the names of their attributes; paths may break behind a slash."""
    return [(tag, sorted(attributes)) for tag, attributes in page.elements if tag != "wbr"]


def test_hostile_text_does_nothing_in_a_browser(tmp_path: Path) -> None:
    text = f"</script><img src=x onerror=alert(1)>\u202e{'x' * 10_000}"
    page = tmp_path / "report.html"
    page.write_text(render_html(hostile_result(text)), encoding="utf-8")
    seen = look_at(page, tmp_path / "profile", ["onerror=alert(1)"])
    assert seen["complaints"] == []
    assert len(seen["requests"]) == 2
    filtered = seen["filtered"]["onerror=alert(1)"]
    assert 0 < len(filtered["shown"]) == filtered["visible"]
    assert {told for state in seen["axe"].values() for told in state["violations"]} == set()
    assert seen["phone"] == {"width": 375, "content": 375}


def test_body_is_shown_without_what_github_hides() -> None:
    (body,) = re.findall(
        '<pre class="body">.*?</pre>', render_html(make_result([make_bump("A", "One")])), re.S
    )
    assert "Updates 1 item in 1 pack" in body
    assert "autobump:v1" not in body


def test_endless_text_is_cut() -> None:
    text = render_html(hostile_result("x" * 10_000))
    bodies = re.findall('<pre class="body">.*?</pre>', text, flags=re.DOTALL)
    assert bodies
    assert max(map(len, bodies)) < MAX_BODY_TEXT + 200
    page = Page(re.sub('<pre class="body">.*?</pre>', "", text, flags=re.DOTALL))
    assert max(map(len, re.findall("x+", page.text))) == MAX_TEXT - 1
    assert f"{'x' * (MAX_TEXT - 1)}…" in page.text


def test_result_of_nothing_is_a_page_that_says_so() -> None:
    page = Page(render_html(make_result()))
    assert page.find("section") == []
    assert "There is nothing to show." in page.text
    assert "every file was evaluated" in page.text


def test_dashboard_that_fails_takes_nothing_from_what_was_judged() -> None:
    page = Page(render_html(make_result(dashboard_failure="the repository has no issues")))
    assert [section["id"] for section in page.find("section")] == ["failures"]
    assert "every file was evaluated" in page.text


def test_source_without_dates_shows_no_ages() -> None:
    result = make_result([make_bump("A", "One")], found={"demisto/python3": sort_releases([])})
    page = Page(render_html(result))
    assert "ages" not in page.texts
    assert "unknown unknown" in " ".join(page.texts["images"].split())


def test_run_tells_what_was_done_and_where() -> None:
    planned = make_result([make_bump("Alpha", "One"), make_bump("Beta", "Two", image="demisto/boto3")])
    boto3, python3 = planned.desired
    existing = ExistingPullRequest("autobump/x/1", PullRequestState.OPEN, 7, None, "", "", None)
    outcomes = (
        Outcome(Create(boto3), None, failure="GitHub answered 422"),
        Outcome(Create(python3), REVISION, 12, "https://example.com/demisto/content/pull/12"),
        Outcome(Close(existing, "its items are up to date"), None, 7, "javascript:alert(1)"),
    )
    page = Page(render_html(replace(planned, outcomes=outcomes)))
    told = " ".join(page.texts["pull-requests"].split())
    assert "create failed Update demisto/boto3 to 1.0.0.9 (1 pack)" in told
    assert "GitHub answered 422" in told
    assert "close autobump/x/1 0 its items are up to date" in told
    assert "What the pass did" in page.text
    assert "1 failed" in page.text
    links = [link["href"] for link in page.find("a") if not link.get("href", "#").startswith("#")]
    # Once where it was made, and once at its item.
    assert links == ["https://example.com/demisto/content/pull/12"] * 2


def test_numbers_of_what_is_done_read_as_a_sentence() -> None:
    planned = make_result([make_bump("Alpha", "One"), make_bump("Beta", "Two", image="demisto/boto3")])
    boto3, python3 = planned.desired
    existing = ExistingPullRequest("autobump/x/1", PullRequestState.OPEN, 7, None, "", "", None)
    outcomes = tuple(
        Outcome(action, None) for action in (Create(boto3), Leave(python3, existing), Close(existing, "done"))
    )
    done = replace(planned, outcomes=outcomes)
    assert "1 closed, 1 created, 1 left as they are" in Page(render_html(done)).text
    assert "would close 1, create 1, leave 1" in Page(render_html(replace(done, dry_run=True))).text
    every = {action.name for action in get_args(Action)}
    for name in every:
        line = PullRequestLine(name, name, "", "", 1, "", "", ())
        assert describe_actions([line]).startswith("1 ")


def test_what_waits_is_told_as_a_part_of_the_updates() -> None:
    tiles = " ".join(Page(render_html(full_result())).text.split())
    assert "3 to update 2 in this plan 1 of them waiting most: limit-reached" in tiles


def fleet() -> list[RepositoryOutcome]:
    """Return what came of three repositories, of which the last failed."""
    full = full_result()
    return [
        RepositoryOutcome("owner/one", full),
        RepositoryOutcome("owner/two", replace(full, dashboard_failure="")),
        RepositoryOutcome("owner/three", None, "is not a git repository"),
    ]


def test_several_repositories_are_parts_of_their_own() -> None:
    page = Page("".join(several_html_parts(fleet())))
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    parts = [attributes["id"] for attributes in page.find("article")]
    assert [page.texts[f"{part}-title"] for part in parts] == ["owner/one", "owner/two", "owner/three"]
    assert page.count("r1-updates") == page.count("r2-updates") == "2"
    assert "failed is not a git repository" in " ".join(page.texts["r3"].split())
    assert "r1-failures" in page.texts
    assert "r2-failures" not in page.texts
    listed = " ".join(page.texts["ul"].split())
    assert listed.startswith(
        "owner/one failed6 item files at 0123456789ab: 3 to update, 2 skipped, 1 problem"
    )
    assert "owner/two6 item files at 0123456789ab" in listed
    assert "3 repositories, 12 item files: 6 to update" in page.texts["title"]


def test_page_of_several_repositories_is_well_made() -> None:
    page = Page("".join(several_html_parts(fleet())))
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[:3] == [1, 2, 3]
    assert headings.count(2) == 3
    regions = [
        attributes["aria-label"] for attributes in page.find("div") if attributes.get("role") == "region"
    ]
    assert len(set(regions)) == len(regions)
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {link["href"].removeprefix("#") for link in page.find("a")} <= ids


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_of_several_repositories_stays_text(text: str) -> None:
    def several(text: str) -> Page:
        outcomes = [RepositoryOutcome(text, hostile_result(text)), RepositoryOutcome(text, None, text)]
        return Page("".join(several_html_parts(outcomes)))

    assert shape(several(text)) == shape(several("harmless"))


def test_filter_hides_repositories_without_a_match(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("".join(several_html_parts(fleet())), encoding="utf-8")
    seen = look_at(page, tmp_path / "profile", ["repository has no issues"])
    assert seen["complaints"] == []
    filtered = seen["filtered"]["repository has no issues"]
    assert (filtered["sections"], filtered["visible"]) == (["r1-failures"], 1)
    assert {told for state in seen["axe"].values() for told in state["violations"]} == set()
    assert seen["phone"] == {"width": 375, "content": 375}


def test_problems_of_one_cause_are_one_row_that_names_every_file() -> None:
    paths = [f"Packs/P/Scripts/{name}/{name}.yml" for name in ("A", "B", "C")]
    page = Page(
        render_html(make_result(problems=[Problem(path, "P", "tags-unavailable", "503") for path in paths]))
    )
    told = " ".join(page.texts["problems"].split())
    assert page.count("problems") == "3"
    assert f"{paths[0]}and 2 more files {paths[1]} {paths[2]} 3 tags-unavailable 503" in told


def test_images_in_use_say_what_is_not_counted() -> None:
    page = Page(render_html(full_result()))
    assert "1 file that could not be evaluated is not counted here." in page.texts["images"]


def test_images_in_use_say_what_they_leave_open(tmp_path: Path) -> None:
    facts = {"packages": {"requests": ["2.0", "MIT"]}}
    tags = {f"demisto/{name}": {"1.0.0.1": facts} for name in "abc"}
    tags["demisto/c"]["1.0.0.2"] = {"packages": {}}
    (tmp_path / "tags.json").write_text(json.dumps(tags))
    record = osv_record("GHSA-1", "requests", fixed="3.0", database_specific={"severity": "HIGH"})
    (tmp_path / "osv.json").write_text(json.dumps({"records": [record]}))
    items = {"One": "demisto/c:1.0.0.1", "Two": "demisto/b:1.0.0.1", "Three": "demisto/a:latest"}
    make_repository(tmp_path / "content", script_pack("Alpha", items))
    page = tmp_path / "report.html"
    options = ["--repo", str(tmp_path / "content"), "--tags", f"file:{tmp_path}/tags.json"]
    asked = ["--set", f"registry.advisories=file:{tmp_path}/osv.json"]
    assert run_command(["plan", *options, *asked, "--report", str(page)]) == 0
    told = " ".join(Page(page.read_text()).texts["images"].split())
    places = [told.index(row) for row in ("demisto/b 1 1 high", "demisto/c 1 none known", "demisto/a 1 not")]
    assert places == sorted(places)
    assert run_command(["plan", *options, "--report", str(page)]) == 0
    assert "Left open" not in Page(page.read_text()).texts["images"]


def test_plan_is_written_as_a_page(tmp_path: Path) -> None:
    make_repository(tmp_path / "content", script_pack("Alpha", {"One": "demisto/python3:3.9.8.24399"}))
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/python3": ["3.10.1.25933"]}))
    page = tmp_path / "report.html"
    options = ["--repo", str(tmp_path / "content"), "--tags", f"file:{tmp_path / 'tags.json'}"]
    assert run_command(["plan", *options, "--format", "html", "--output", str(page)]) == 0
    assert Page(page.read_text()).count("updates") == "1"


def test_page_calls_the_repository_as_its_settings_do_or_its_remote_or_its_folder(tmp_path: Path) -> None:
    items = {"One": "demisto/python3:3.9.8.24399"}
    git = make_repository(tmp_path / "our-content", script_pack("Alpha", items))
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/python3": ["3.10.1.25933"]}))
    command = ["plan", "--repo", str(git.directory), "--tags", f"file:{tmp_path / 'tags.json'}"]

    def title(*options: str) -> str:
        page = tmp_path / "report.html"
        assert run_command([*command, *options, "--report", str(page)]) == 0
        return page.read_text().partition("<title>")[2].partition(",")[0]

    assert title() == "autobump: our-content"
    git.run("remote", "add", "origin", "git@github.com:acme/content.git")
    assert title() == "autobump: acme/content"
    assert title("--set", "content.repository=acme/other") == "autobump: acme/other"


def test_item_of_which_nothing_tells_its_risk_is_listed_with_the_side_that_is_not_known() -> None:
    note = "what is inside the old image is not known"
    bump = replace(make_bump("Alpha", "One"), risk=ItemRisk(note=note, known=False))
    page = Page(render_html(make_result([bump])))
    assert page.count("risk") == "1"
    assert note in page.texts["risk"]
