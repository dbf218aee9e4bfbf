import re
from typing import Any

import pytest

from autobump.content.problem import Problem
from autobump.decisions.eligibility import Skipped
from autobump.decisions.evaluation import Notice
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.planning.plan import Limits
from tests.fixtures.browser import look_at
from tests.fixtures.bumps import make_bump, make_bumps
from tests.fixtures.results import RELEASES, at_risk, make_result, render_html

PACK = "CrowdStrikeFalcon"
REASON = "pack-busy sklearn"
NOTHING = "no row has this"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a browser shows of a large pass with every kind of row."""
    folder = tmp_path_factory.mktemp("report")
    bumps = [bump for number in range(45) for bump in make_bumps(f"Pack{number:03}", 18)]
    bumps += make_bumps(PACK, 5) + [
        make_bump(f"Pack{n:03}", "Learns", image="demisto/sklearn") for n in range(9)
    ]
    bumps += [at_risk(make_bump("Devo", f"Devo{n}", image="demisto/devo")) for n in range(5)]
    reasons = ("deprecated-item", "mutable-tag", "support-level", "up-to-date")
    result = make_result(
        bumps,
        skipped=[
            Skipped(f"Packs/S/Scripts/S{n}/S{n}.yml", "S", reasons[n % 4], f"why {n}", "demisto/x", "1.0.0.1")
            for n in range(200)
        ],
        problems=[
            Problem(f"Packs/P/Scripts/P{n}/P{n}.yml", "P", "invalid-yaml", "a key stands twice", n + 1, 1)
            for n in range(9)
        ],
        notices=[Notice("Packs/S/Scripts/S1/S1.yml", "a key stands where the platform does not read it")],
        found={"demisto/python3": RELEASES},
        deprecated=[DeprecatedImage("demisto/sklearn", "Use the demisto/ml image.", "demisto/ml")],
        limits=Limits(max_open=10_000, max_new_per_run=10_000),
    )
    page = folder / "report.html"
    page.write_text(render_html(result), encoding="utf-8")
    return look_at(page, folder / "profile", [PACK, REASON, NOTHING])


def test_nothing_but_the_page_itself_is_asked_for(seen: dict[str, Any]) -> None:
    assert len(seen["requests"]) == 2  # opened, and opened again as on a phone
    assert all(re.fullmatch(r"file:///.*/report\.html", address) for address in seen["requests"])


def test_browser_complains_of_nothing(seen: dict[str, Any]) -> None:
    assert seen["complaints"] == []


def test_every_row_of_a_large_pass_is_there(seen: dict[str, Any]) -> None:
    start = seen["start"]
    assert start["rows"] == len(start["shown"]) > 1000
    assert start["status"] == f"{start['rows']:,} rows"
    assert sum(int(group["count"].replace(",", "")) for group in start["groups"]) == start["rows"]


@pytest.mark.parametrize("text", [PACK, REASON])
def test_filter_leaves_only_rows_that_match(seen: dict[str, Any], text: str) -> None:
    filtered = seen["filtered"][text]
    words = text.lower().split()
    rows = seen["start"]["shown"]
    assert filtered["shown"] == [row for row in rows if all(word in row.lower() for word in words)]
    assert 0 < len(filtered["shown"]) < 30
    assert filtered["visible"] == len(filtered["shown"])


@pytest.mark.parametrize("text", [PACK, REASON, NOTHING])
def test_body_stays_with_its_pull_request(seen: dict[str, Any], text: str) -> None:
    assert seen["filtered"][text]["astray"] == 0


def test_filter_finds_rows_by_their_reason(seen: dict[str, Any]) -> None:
    shown = [group["name"] for group in seen["filtered"][REASON]["groups"] if not group["hidden"]]
    assert shown == ["pack-busy"]
    assert seen["filtered"][REASON]["sections"] == ["waiting"]


@pytest.mark.parametrize("text", [PACK, REASON, NOTHING])
def test_counts_tell_what_the_filter_left(seen: dict[str, Any], text: str) -> None:
    filtered, start = seen["filtered"][text], seen["start"]
    assert filtered["status"] == f"{len(filtered['shown'])} of {start['rows']:,} rows"
    for group, whole in zip(filtered["groups"], start["groups"], strict=True):
        assert group["count"] == f"{group['shown']} of {whole['count']}"
        assert group["hidden"] == (group["shown"] == 0)


def test_filter_that_nothing_matches_leaves_nothing(seen: dict[str, Any]) -> None:
    assert seen["filtered"][NOTHING]["shown"] == []
    assert seen["filtered"][NOTHING]["sections"] == []


def test_slash_goes_to_the_filter_and_escape_brings_everything_back(seen: dict[str, Any]) -> None:
    for text, filtered in seen["filtered"].items():
        assert (filtered["focus"], filtered["text"]) == ("filter", text)
    assert seen["cleared"] == seen["start"] | {"focus": "filter"}


def test_first_stop_of_the_keyboard_skips_to_the_content(seen: dict[str, Any]) -> None:
    assert seen["firstFocus"] == "Skip to the content"


@pytest.mark.parametrize("state", ["whole, light", "whole, dark", "filtered, light", "filtered, dark"])
def test_page_is_accessible(seen: dict[str, Any], state: str) -> None:
    assert seen["axe"][state]["violations"] == []
    assert seen["axe"][state]["passes"] > 30


def test_page_does_not_scroll_sideways_on_a_phone(seen: dict[str, Any]) -> None:
    assert seen["phone"] == {"width": 375, "content": 375}
