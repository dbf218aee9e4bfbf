import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from autobump.content.imports import ItemCode, Use
from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.decisions.risk import ImageRisk, ItemRisk
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.images.inside.system import SystemPackage
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.pull_requests.body.text import BodyContext, LeftOut
from autobump.pull_requests.marker import find_marker
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.markdown import MAX_BODY
from tests.fixtures.bumps import make_bump
from tests.fixtures.golden import check_golden

HEAD = "0123456789abcdef0123456789abcdef01234567"
HOSTILE = (
    "@everyone",
    "<!-- -->",
    "</details>",
    "`` ` ```",
    "line\nbreak\r\n# heading",
    "x" * 10_000,
    "[link](https://evil.example)",
    "![image](https://evil.example/x.png)",
    "#1 GH-1 owner/repo#1",
    "a|b|c",
    "\u202egnp.exe",
    '<!-- autobump:v1 {"image":"demisto/other"} -->',
)


def facts(python: str, packages: Mapping[str, tuple[str, str] | str], **others: object) -> ImageFacts:
    """Return facts with packages by name, as version and licence or as version under MIT."""
    listed = {
        name: PackageFacts(*(entry if isinstance(entry, tuple) else (entry, "MIT License")))
        for name, entry in packages.items()
    }
    base = ImageFacts(
        created=datetime(2021, 10, 25, tzinfo=UTC),
        digest="sha256:" + "5" * 64,
        python=python,
        system="Alpine Linux v3.14",
        size_mb=27.28,
        packages=listed,
    )
    return replace(base, **others)


def render(
    bumps: list[Bump],
    old: ImageFacts,
    new: ImageFacts,
    uses: Mapping[str, ItemCode] | None = None,
    evidence: Mapping[str, Evidence] | None = None,
    **more: object,
) -> DesiredPullRequest:
    """Render one pull request whose items all come from the same old tag; uses and evidence by name."""
    diff = ImageDiff(old, new)
    tags = {bump.image.tag or "" for bump in bumps}
    assessed = [
        replace(bump, risk=ImageRisk(diff).assess((uses or {}).get(bump.item.fields.name, ItemCode())))
        for bump in bumps
    ]
    assessed = [
        replace(bump, risk=bump.risk.with_evidence(found))
        if bump.risk and (found := (evidence or {}).get(bump.item.fields.name))
        else bump
        for bump in assessed
    ]
    (planned,) = plan_pull_requests(assessed, Limits(max_items=1000)).pull_requests
    context = BodyContext(
        diffs=dict.fromkeys(tags, diff),
        old=dict.fromkeys(tags, old),
        new=new,
        **more,  # type: ignore[arg-type]  # the fields of BodyContext, by name
    )
    return DesiredPullRequest(planned, PullRequestOptions(("label",)), with_notes=True, contexts=(context,))


NEWER: dict[str, object] = {"created": datetime(2026, 5, 16, tzinfo=UTC), "digest": "sha256:" + "6" * 64}
LIBRARIES: dict[str, tuple[str, str] | str] = {
    "requests": "2.26.0",
    "urllib3": "1.26.6",
    "certifi": ("2021.5.30", "Mozilla Public License 2.0"),
}


def code_of(*modules: str) -> ItemCode:
    return ItemCode(tuple(Use(module, guarded=False) for module in modules))


def test_rebuild_without_changes() -> None:
    old = facts("3.12.12", LIBRARIES)
    bumps = [make_bump("Mail", "Mail", current="3.12.12.1", target="3.12.12.9", digest="sha256:" + "6" * 64)]
    desired = render(bumps, old, facts("3.12.12", LIBRARIES, **NEWER), {"Mail": code_of("requests")})
    check_golden("rebuild.md", desired.body_at(HEAD))


def test_python_minor_version_changes() -> None:
    old = facts("3.9.8", LIBRARIES)
    new = facts("3.10.1", LIBRARIES | {"requests": "2.27.1"}, system="Alpine Linux v3.15", **NEWER)
    bumps = [
        make_bump(pack, name, current="3.9.8.24399", target="3.10.1.25933")
        for pack, name in (("Feed", "FeedIndex"), ("Mail", "Mail"), ("Mail", "Triage"))
    ]
    powershell = ItemCode(absent="PowerShell code is not analysed")
    left_out = (LeftOut("auto-update-disabled", 2, "Packs/Pinned/Scripts/Pinned/Pinned.yml"),)
    links = "https://github.com/demisto/content/blob/master/"
    desired = render(bumps, old, new, {"Triage": powershell}, left_out=left_out, links=links)
    check_golden("python-minor.md", desired.body_at(HEAD))


def test_packages_of_the_system_are_told_folded() -> None:
    old = facts("3.12", {}, system_packages={"zlib": SystemPackage("1.2-r0"), "a|b": SystemPackage("1")})
    new = facts("3.12", {}, system_packages={"zlib": SystemPackage("1.3-r0"), "musl": SystemPackage("1.2")})
    body = render([make_bump("A", "One")], old, new).body_at(HEAD)
    assert "<details><summary>System packages since 1.0.0.1: 1 removed, 1 changed, 1 added</summary>" in body
    assert "| `zlib` | `1.2-r0` | `1.3-r0` |" in body
    assert "| `musl` |  | `1.2` |" in body


def render_tags(
    olds: Mapping[str, ImageFacts], new: ImageFacts, uses: Mapping[str, ItemCode] | None = None
) -> DesiredPullRequest:
    """Render one pull request with an item on each old tag, called `On` and the tag; uses by name."""
    diffs = {tag: ImageDiff(old, new) for tag, old in olds.items()}
    bumps = [
        replace(
            make_bump("Mail", f"On {tag}", current=tag, target="3.12.13.9"),
            risk=ImageRisk(diff).assess((uses or {}).get(tag, ItemCode())),
        )
        for tag, diff in diffs.items()
    ]
    (planned,) = plan_pull_requests(bumps, Limits()).pull_requests
    context = BodyContext(diffs, olds, new)
    return DesiredPullRequest(planned, PullRequestOptions(("label",)), with_notes=True, contexts=(context,))


def test_several_old_tags_are_told_together() -> None:
    shared: dict[str, tuple[str, str] | str] = {"pip": "21.2", "setuptools": "57.5.0", "six": "1.16.0"}
    zlib, musl = SystemPackage("1.2-r0"), SystemPackage("1.1-r0")
    older = facts("3.9.7", shared | {"urllib3": "1.26.6", "PyYAML": "5.4.1"}, system_packages={"zlib": zlib})
    same = replace(older, python="3.9.8", size_mb=28.0)
    newer = facts(
        "3.10.1",
        shared | {"urllib3": "1.26.8", "PyYAML": "6.0", "tzdata": "2021.5"},
        system_packages={"zlib": zlib, "musl": musl},
    )
    new = facts(
        "3.12.13",
        {"pip": "26.0", "setuptools": ("82.0.1", ""), "six": "1.17.0", "urllib3": "2.7.0", "PyYAML": "6.0.3"},
        system_packages={"zlib": SystemPackage("1.3-r0"), "musl": musl},
        **NEWER,
    )
    olds = {"3.9.7.1": older, "3.9.8.2": same, "3.10.1.3": newer}
    desired = render_tags(olds, new, dict.fromkeys(olds, code_of("urllib3", "pip")))
    check_golden("several-old-tags.md", desired.body_at(HEAD))


def test_old_tags_that_differ_in_other_packages_keep_their_own_tables() -> None:
    many: dict[str, tuple[str, str] | str] = {f"library-{number:02}": "2.0" for number in range(40)}
    new = facts("3.12.13", many | {"six": "2.0"}, **NEWER)
    olds = {
        "3.12.13.1": facts("3.12.13", many | {"six": "1.0"}),
        "3.12.13.2": facts("3.12.13", dict.fromkeys(many, "1.0") | {"six": "2.0"}),
    }
    titles = re.findall("<summary>(.*)</summary>", render_tags(olds, new).text)
    assert titles == ["Packages since 3.12.13.1: 1 major", "Packages since 3.12.13.2: 40 major"]


def test_package_that_stays_as_it_is_since_one_of_the_tags_shows_its_version_there() -> None:
    new = facts("3.12.13", {"six": "1.17.0", "idna": "3.15"}, **NEWER)
    olds = {
        "3.12.13.1": facts("3.12.13", {"six": "1.16.0", "idna": "3.2"}),
        "3.12.13.2": facts("3.12.13", {"six": "1.17.0", "idna": "3.3"}),
    }
    assert "| `six` | minor | `1.16.0` | `1.17.0` | `1.17.0` |  |" in render_tags(olds, new).text


@pytest.mark.parametrize("name", ["setuptools", "Setuptools"])
def test_what_no_item_imports_never_stands_out(name: str) -> None:
    old, new = (
        facts("3.10.1", {name: "57.5.0"}),
        facts("3.10.1", {name: "82.0.1", "six": ("1.0", "")}, **NEWER),
    )
    assert f"| `{name}` | major | `57.5.0` | `82.0.1` |  |" in render([make_bump("A", "One")], old, new).text
    came = facts("3.10.1", {name: ("82.0.1", "")}, **NEWER)
    text = render([make_bump("A", "One")], facts("3.10.1", {}), came).text
    assert f"| `{name}` | added |  | `82.0.1` | unknown: none given |" in text


def test_version_goes_backwards_while_the_build_goes_on() -> None:
    old = facts("3.10.12", {"fastapi": "0.100.1", "pydantic": "1.10.9", "asgiref": ("3.7.2", "BSD License")})
    new = facts(
        "3.12.13",
        {
            "fastapi": "0.125.0",
            "pydantic": "2.12.5",
            "M2Crypto": ("0.47.0", "BSD-2-Clause"),
            "chardet": ("5.2.0", "GNU Lesser General Public License v2 or later (LGPLv2+)"),
            "PyJWT": ("2.12.1", ""),
        },
        size_mb=167.5,
        system="Alpine Linux v3.23",
        **NEWER,
    )
    bumps = [
        make_bump(
            "Webhook", "Webhook", image="demisto/fastapi", current="1.0.0.68518", target="0.125.0.9094740"
        )
    ]
    desired = render(
        bumps, old, new, {"Webhook": code_of("fastapi.FastAPI", "pydantic.BaseModel", "secrets")}
    )
    check_golden("fastapi.md", desired.body_at(HEAD))


def test_licence_that_is_only_worded_anew_is_no_change() -> None:
    old = facts("3.10.1", {"chardet": ("4.0.0", "GNU Library or Lesser General Public License (LGPL)")})
    new_text = "GNU Lesser General Public License v2 or later (LGPLv2+)"
    body = render([make_bump("A", "One")], old, facts("3.10.1", {"chardet": ("5.2.0", new_text)})).text
    assert "⚖️" not in body
    assert "| `chardet` | **major** | `4.0.0` | `5.2.0` |  |" in body


def test_licence_of_another_kind_is_told_apart_from_one_that_came_in() -> None:
    old = facts("3.10.1", {"moved": ("1.0", "MIT"), "freed": ("1.0", "GPLv3")})
    new = facts(
        "3.10.1", {"moved": ("1.0", "GPLv3"), "freed": ("1.0", "MIT"), "chardet": ("5.2.0", "LGPL")}, **NEWER
    )
    desired = render([make_bump("A", "One")], old, new)
    check_golden("licences.md", desired.body_at(HEAD))


def saw(verdict: str, detail: str = "", level: Level = Level.LOAD) -> Evidence:
    return Evidence(level, Verdict(verdict), detail)


def test_items_that_ran_in_both_images() -> None:
    old = facts("3.9.8", {"beautifulsoup4": "4.10.0", **LIBRARIES})
    new = facts("3.10.1", LIBRARIES | {"requests": "3.0.0"}, **NEWER)
    evidence = {
        "Breaks": saw("breaks", "cannot import name 'before' from 'urllib3' (line 12)"),
        "Mends": saw("mends", "AttributeError: module 'ssl' has no attribute 'x' (line 3)"),
        "Unclear": saw("inconclusive", "it does not end in time in the new image"),
        "PowerShell": saw("not-run", "PowerShell code is not run"),
        "Same1": saw("same"),
        "Same2": saw("same"),
        "Tested": saw("same", level=Level.TESTS),
    }
    bumps = [
        make_bump(pack, name, current="3.9.8.24399", target="3.10.1.25933")
        for pack, name in (
            ("Feed", "Breaks"), ("Feed", "Same1"), ("Feed", "Same2"), ("Mail", "Mends"),
            ("Mail", "PowerShell"), ("Mail", "Tested"), ("Mail", "Unclear"), ("Mail", "Unasked"),
        )
    ]  # fmt: skip
    uses = {"Same1": code_of("bs4"), "Tested": code_of("requests")}
    desired = render(bumps, old, new, uses, evidence)
    check_golden("evidence.md", desired.body_at(HEAD))


def test_items_that_all_run_alike_are_no_risk() -> None:
    old, new = facts("3.9.8", LIBRARIES), facts("3.10.1", LIBRARIES | {"certifi": "2026.1.1"}, **NEWER)
    bumps = [make_bump("Mail", name, current="3.9.8.1", target="3.10.1.2") for name in ("One", "Two")]
    body = render(bumps, old, new, evidence=dict.fromkeys(("One", "Two"), saw("same"))).body_at(HEAD)
    assert "✅ **No risk found:** every item runs alike in both images." in body
    assert "🧪 Run in both images (load): 2 same." in body
    assert "settled, it runs all the same: Python changes from `3.9.8` to `3.10.1`: all items" in body


def test_what_a_run_says_stays_text() -> None:
    bumps = [make_bump("Pack", f"Item{number}") for number in range(len(HOSTILE))]
    for verdict in ("breaks", "mends", "inconclusive", "not-run"):
        evidence = {f"Item{number}": saw(verdict, text) for number, text in enumerate(HOSTILE)}
        plain = facts("3.10.1", LIBRARIES)
        body = render(bumps, plain, plain, evidence=evidence).body_at(HEAD)
        marker = find_marker(body)
        assert marker is not None
        assert marker.image == "demisto/python3"
        listed = body.split("### Evidence")[1].split("### ")[0].splitlines()
        lines = [line for line in listed if line.startswith("- **")]
        assert len(lines) == len(HOSTILE)
        assert all(f"- **{verdict.replace('-', ' ')}**: `" in line for line in lines)


def test_removed_package_that_one_item_imports() -> None:
    old = facts("3.10.1", {"beautifulsoup4": "4.10.0", **LIBRARIES})
    bumps = [
        make_bump("Pages", name, image="demisto/bs4-py3", current="1.0.0.24176") for name in ("Page", "Plain")
    ]
    uses = {"Page": code_of("bs4.BeautifulSoup", "requests"), "Plain": code_of("requests", "no_such_module")}
    deprecated = DeprecatedImage(
        "demisto/bs4-py3", "Use the demisto/py3-tools docker image instead.", "demisto/py3-tools"
    )
    desired = render(bumps, old, facts("3.10.1", LIBRARIES, **NEWER), uses, deprecated=deprecated)
    check_golden("removed-package.md", desired.body_at(HEAD))


def test_first_lines_say_what_to_look_at_with_what_a_few_items_alone_have_first() -> None:
    bumps = [make_bump("Mail", name) for name in ("One", "Two", "Three")]
    old = facts("3.9.8", {"urllib3": "1.26.6", "bs4": "1", "six": "1.0"})
    new = facts("3.10.1", {"urllib3": "2.7.0", "six": "1.0"})

    def told(*modules: str, absent: str = "") -> str:
        uses = {"One": ItemCode(tuple(Use(module, guarded=True) for module in modules), absent)}
        return render(bumps, old, new, uses).body_at(HEAD).split("\n")[2]

    look = "🔎 **3 items to look at:** "
    kept = "no import is lost. Merge where you trust these changes, or try one such item first."
    assert told("six") == f"{look}Python changes for all; {kept}"
    assert told("urllib3") == f"{look}`urllib3` changes for 1, Python changes for all; {kept}"
    assert told("urllib3", "distutils_extra", "bs4").startswith(
        f"{look}`bs4` is missing for 1, `urllib3` changes"
    )
    assert "lost" not in told("urllib3", "bs4")
    assert told(absent="its code is not there") == f"{look}Python changes for all."


def test_hundred_packs_are_cut_to_what_github_takes() -> None:
    old = facts("3.9.8", {f"library-{number:04}": "1.0" for number in range(1200)})
    new = facts("3.10.1", {f"library-{number:04}": "2.0" for number in range(1200)}, **NEWER)
    bumps = [make_bump(f"Pack{number:03}", f"Item{number:03}") for number in range(100)]
    bumps += [make_bump(f"Pack{number:03}", f"Other{number:03}", current="1.0.0.2") for number in range(100)]
    body = render(bumps, old, new).body_at(HEAD)
    assert MAX_BODY - 6_000 < len(body) <= MAX_BODY
    check_golden("hundred-packs.md", body)


def test_hostile_names_stay_text() -> None:
    packages = {f"{name}{number}": (name, name) for number, name in enumerate(HOSTILE)}
    old, new = facts("3.10.1", {}), facts("3.10.1", packages, system=HOSTILE[0], **NEWER)
    bumps = [make_bump("Pack", f"Item {name}") for name in HOSTILE]
    uses = {f"Item {name}": code_of(name) for name in HOSTILE}
    deprecated = DeprecatedImage("demisto/python3", HOSTILE[5] + HOSTILE[0], "")
    left_out = (LeftOut(HOSTILE[2], 1, HOSTILE[1]),)
    desired = render(bumps, old, new, uses, deprecated=deprecated, left_out=left_out)
    check_golden("hostile-names.md", desired.body_at(HEAD))


def test_hostile_names_cannot_forge_the_marker() -> None:
    bumps = [make_bump("Pack", name) for name in HOSTILE]
    body = render(bumps, facts("3.10.1", {}), facts("3.10.1", {}, **NEWER)).body_at(HEAD)
    marker = find_marker(body)
    assert marker is not None
    assert (marker.image, marker.head) == ("demisto/python3", HEAD)


def test_body_says_when_nothing_is_known_of_the_images() -> None:
    (planned,) = plan_pull_requests([make_bump("Mail", "Mail")], Limits()).pull_requests
    desired = DesiredPullRequest(
        planned, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),)
    )
    assert "What is inside the images of 1 item is not known." in desired.text
    assert "No risk found" not in desired.text


def test_old_image_that_is_not_known_is_no_safe_one() -> None:
    bumps = [
        make_bump(pack, name, current="3.9.8.24399", target="3.10.1.25933")
        for pack, name in (("Feed", "FeedIndex"), ("Mail", "Mail"), ("Mail", "Shell"))
    ]
    uses = {
        "FeedIndex": code_of("requests"),
        "Mail": code_of("requests", "bs4"),
        "Shell": ItemCode(absent="PowerShell code is not analysed"),
    }
    desired = render(bumps, ImageFacts(), facts("3.10.1", LIBRARIES, **NEWER), uses)
    check_golden("unknown-contents.md", desired.body_at(HEAD))


def test_unknown_image_whose_items_run_alike_is_told_and_no_longer_in_doubt() -> None:
    bumps = [make_bump("Mail", name) for name in ("One", "Two")]
    uses = {"One": code_of("bs4")}
    new = facts("3.10.1", LIBRARIES, **NEWER)
    desired = render(bumps, ImageFacts(), new, uses, dict.fromkeys(("One", "Two"), saw("same")))
    assert "✅ **No risk found:** every item runs alike in both images." in desired.text
    assert "❔" not in desired.text
    assert "- what is inside the old image is not known, imports" in desired.text
    assert desired.marker.risk == "none"


def test_body_does_not_call_items_safe_while_some_are_not_known() -> None:
    known = replace(make_bump("Mail", "Mail"), risk=ItemRisk())
    unknown = replace(make_bump("Mail", "Other"), risk=ItemRisk(note="not known", known=False))
    (planned,) = plan_pull_requests([known, unknown], Limits()).pull_requests
    desired = DesiredPullRequest(
        planned, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),)
    )
    assert "No risk found" not in desired.text


def test_same_input_in_any_order_gives_the_same_body() -> None:
    bumps = [make_bump(name, name) for name in ("A", "B", "C")]
    new = facts("3.10.1", {}, **NEWER)
    body = render(bumps, facts("3.9.8", LIBRARIES), new).body_at(HEAD)
    backwards = dict(sorted(LIBRARIES.items(), reverse=True))
    assert render(bumps[::-1], facts("3.9.8", backwards), new).body_at(HEAD) == body


def test_batch_of_two_images_one_of_them_at_risk() -> None:
    old = facts("3.10.12", LIBRARIES)
    rebuilt, without = (
        facts("3.10.12", LIBRARIES, **NEWER),
        facts("3.12.13", {"certifi": "2026.1.1"}, **NEWER),
    )
    safe, risky = ImageDiff(old, rebuilt), ImageDiff(old, without)
    bumps = [
        replace(make_bump("Mail", name, digest="sha256:" + "6" * 64), risk=ImageRisk(safe).assess(ItemCode()))
        for name in ("Mail", "Triage")
    ]
    feed = make_bump("Feed", "FeedIndex", image="demisto/boto3", target="2.0.0.9")
    bumps.append(replace(feed, risk=ImageRisk(risky).assess(code_of("requests"))))
    (planned,) = plan_pull_requests(bumps, Limits(together=True)).pull_requests
    left_out = (
        LeftOut("too-young", 1, "Packs/Late/Scripts/Late/Late.yml"),
        LeftOut("pack-busy", 2, "Packs/Busy/Scripts/Busy/Busy.yml"),
    )
    contexts = (
        BodyContext({"1.0.0.1": safe}, {"1.0.0.1": old}, rebuilt),
        BodyContext({"1.0.0.1": risky}, {"1.0.0.1": old}, without, left_out),
    )
    desired = DesiredPullRequest(planned, PullRequestOptions(("label",)), with_notes=True, contexts=contexts)
    assert desired.title == "Update 2 images (2 packs)"
    check_golden("batch.md", desired.body_at(HEAD))
