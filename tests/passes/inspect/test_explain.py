import json
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.decisions.eligibility import SkipReason
from autobump.images.choice import NoUpdateReason
from autobump.passes.evaluate import Filters
from autobump.passes.inspect.explain import explain_item
from autobump.passes.one import Pass
from autobump.passes.open import PassOptions, open_pass
from autobump.planning.plan import WaitReason
from autobump.settings.load import load_settings
from autobump.support.git import Git
from autobump.support.progress import Silent
from tests.fixtures.osv import osv_record
from tests.fixtures.repositories import commit, item_yaml, make_repository, pack_metadata, script_pack

PATH = "Packs/A/Scripts/One/One.yml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = script_pack("A", {"One": "demisto/python3:3.10.1.100", "Two": "demisto/python3:3.10.1.100"})
    return make_repository(tmp_path / "content", files).directory


def explain(
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, object],
    path: str = PATH,
) -> str:
    """Return what is explained of one item, with three newer tags."""
    (tmp_path / "s.yml").write_text(json.dumps(settings))
    (tmp_path / "tags.json").write_text(
        json.dumps({"demisto/python3": ["3.10.1.100", "3.11.9.200", "3.12.1.300"]})
    )
    options = [
        "--repo",
        repository,
        "--config",
        tmp_path / "s.yml",
        "--tags",
        f"file:{tmp_path / 'tags.json'}",
    ]
    assert run_command(["explain", path, *map(str, options)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("new", "fixes", "remaining"),
    [("2.0", True, "GHSA-2"), ("3.0", True, "none that is known"), ("1.5", False, "GHSA-1, GHSA-2")],
)
def test_what_is_fixed_and_what_remains_is_named(
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    new: str,
    fixes: bool,
    remaining: str,
) -> None:
    versions = {"3.10.1.100": "1.0", "3.12.1.300": new}
    tags = {
        tag: {"python": "3.10.1", "packages": {"requests": [version, "MIT"]}}
        for tag, version in versions.items()
    }
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/python3": tags}))
    records = [osv_record("GHSA-1", fixed="2.0"), osv_record("GHSA-2", fixed="3.0")]
    (tmp_path / "osv.json").write_text(json.dumps({"records": records}))
    sources = [
        "--tags",
        f"file:{tmp_path / 'tags.json'}",
        "--set",
        f"registry.advisories=file:{tmp_path / 'osv.json'}",
    ]
    assert run_command(["explain", PATH, "--repo", str(repository), *sources]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("security")]
    assert any(line.startswith("security fixes (") and "GHSA-1 in requests" in line for line in told) is fixes
    assert told[-1].split(maxsplit=2) == ["security", "remaining", remaining]


def test_rule_that_is_passed_says_no_only_once(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = explain(repository, tmp_path, capsys, {})
    assert "pass    containerised         type is python" in out
    assert "pass    pack-metadata" in out
    passed = [line.split()[1] for line in out.splitlines() if line.startswith("pass ")]
    assert len(passed) == len(SkipReason)
    assert not [rule for rule in passed if rule.startswith("no")]


def test_page_body_and_explanation_tell_the_same_dates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = "sha256:" + "ab" * 32
    made = {"1.0.0.1": "2022-03-04", "1.0.0.2": "2026-05-06"}
    facts = {tag: {"created": f"{day}T00:00:00Z", "digest": digest} for tag, day in made.items()}
    # The tags come without dates; what is inside the images is told with them.
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/x": list(made), "demisto/y": ["1.0.0.2"]}))
    (tmp_path / "facts.json").write_text(json.dumps({"demisto/x": facts, "demisto/y": facts}))
    items = {"One": "demisto/x:1.0.0.1", "Kept": "demisto/y:1.0.0.2"}
    make_repository(tmp_path / "content", script_pack("A", items))
    (tmp_path / "s.yml").write_text(json.dumps({"registry": {"facts": f"file:{tmp_path / 'facts.json'}"}}))
    options = ["--repo", str(tmp_path / "content"), "--config", str(tmp_path / "s.yml")]
    options += ["--tags", f"file:{tmp_path / 'tags.json'}"]

    assert run_command(["plan", *options, "--format", "html"]) == 0
    images = capsys.readouterr().out.partition('id="images"')[2].partition("</section>")[0]
    assert "unknown" not in images
    assert images.count("1.0.0.1: 1 item, 2022-03-04") == 1
    assert images.count("newest: 1.0.0.2, 2026-05-06") == 2

    assert run_command(["explain", PATH, *options]) == 0
    explained = capsys.readouterr().out
    assert "* 1.0.0.2  build 2         2026-05-06  sha256:abababababab  chosen" in explained
    assert "  1.0.0.1  build 1         2022-03-04  sha256:abababababab  current" in explained

    (desired,) = open_whole_pass(options).plan().desired
    assert "| `1.0.0.1` | ? | ? | ? | 2022-03-04 |" in desired.text
    assert "| → `1.0.0.2` | ? | ? | ? | 2026-05-06 |" in desired.text


def test_date_of_the_registry_is_told_where_no_page_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"1.0.0.1": "2022-03-04", "1.0.0.2": "2026-05-06"}
    tags = {tag: {"created": f"{day}T00:00:00Z"} for tag, day in made.items()}
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/x": tags}))
    (tmp_path / "facts.json").write_text("{}")
    make_repository(tmp_path / "content", script_pack("A", {"One": "demisto/x:1.0.0.1"}))
    (tmp_path / "s.yml").write_text(json.dumps({"registry": {"facts": f"file:{tmp_path / 'facts.json'}"}}))
    options = ["--repo", str(tmp_path / "content"), "--config", str(tmp_path / "s.yml")]
    options += ["--tags", f"file:{tmp_path / 'tags.json'}"]
    (desired,) = open_whole_pass(options).plan().desired
    assert "| `1.0.0.1` | ? | ? | ? | 2022-03-04 |" in desired.text
    assert "| → `1.0.0.2` | ? | ? | ? | 2026-05-06 |" in desired.text


def test_hold_is_named_with_its_reason_and_what_it_holds_back(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holds = [
        {"reason": "not ready for 3.12", "images": ["demisto/*"], "python": "3.11"},
        {"reason": "another pack", "packs": ["B"], "until": "2099-01-01"},
    ]
    out = explain(repository, tmp_path, capsys, {"policy": {"holds": holds}})
    assert "hold    policy.holds.0        not ready for 3.12\n" in out
    assert "policy.holds.1" not in out
    assert "update  target                3.10.1.100 -> 3.11.9.200\n" in out
    assert (
        "held    newer tag             3.12.1.300 has Python 3.12 and not 3.11: not ready for 3.12\n" in out
    )
    assert "* 3.11.9.200" in out


def test_item_that_is_held_says_why(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holds = [{"reason": "release week", "items": ["One"], "until": "2099-01-01"}]
    out = explain(repository, tmp_path, capsys, {"policy": {"holds": holds}})
    assert "skip    held                  3.12.1.300 frozen until 2099-01-01: release week\n" in out


@pytest.mark.parametrize(
    ("newer", "between", "older"),
    [(4, None, 2), (5, None, 2), (6, "  … 1 between", 2), (8, "  … 3 between", 0)],
)
def test_chosen_tag_has_its_row_below_however_many_held_ones(
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    newer: int,
    between: str | None,
    older: int,
) -> None:
    tags = [f"3.12.1.{400 + number}" for number in range(newer)] + ["3.11.9.200"]
    (tmp_path / "tags.json").write_text(
        json.dumps({"demisto/python3": [*tags, *(f"3.10.1.{100 - number}" for number in range(older))]})
    )
    hold = "{reason: not ready, images: ['*'], python: '3.11'}"
    options = ["--repo", str(repository), "--tags", f"file:{tmp_path / 'tags.json'}"]
    assert run_command(["explain", PATH, *options, "--set", f"policy.holds=[{hold}]"]) == 0
    rows = capsys.readouterr().out.split("Tags of demisto/python3:\n")[1].splitlines()
    assert rows[0].startswith(f"  3.12.1.{399 + newer}")
    (chosen,) = (row for row in rows if row.startswith("*"))
    assert chosen.startswith("* 3.11.9.200  ")
    assert chosen.endswith("chosen")
    above, below = rows[: rows.index(chosen)], rows[rows.index(chosen) + 1 :]
    assert len(above) == min(newer, 5) + bool(between)
    assert above[-1] == between or between is None
    told = sum(int(row.split()[1]) if row.startswith("  …") else 1 for row in (*above, *below))
    assert told == newer + older


def test_wave_is_named_with_what_opens_it(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(Git(repository), script_pack("B", {"Three": "demisto/python3:3.10.1.100"}))
    waves = [{"name": "first", "packs": ["B"], "soak": "3 days"}, {"name": "second", "packs": ["A"]}]
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": waves}})
    assert (
        "wave    second (2 of 2)       opens when the pull requests of first are merged or closed "
        "and 3 days have passed\n"
        "wait    waiting-for-wave      the wave first comes first: 1 item to go\n"
    ) in out


def test_wave_is_open_when_those_before_it_have_nothing_to_do(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waves = [{"name": "first", "packs": ["B"]}, {"name": "second", "packs": ["A"]}]
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": waves}})
    assert "wave    second (2 of 2)       open, because nothing is left for the waves before it\nplan " in out


def test_item_of_the_first_wave_waits_for_nobody(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": [{"name": "first"}]}})
    assert "wave    first (1 of 1)        open from the start\n" in out


def test_item_that_no_wave_takes_comes_last(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(Git(repository), script_pack("B", {"Three": "demisto/python3:3.10.1.100"}))
    waves = [{"name": "first", "packs": ["B"]}]
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": waves}})
    assert "wave    rest (2 of 2)         opens when the pull requests of first are merged or closed\n" in out


def test_flaw_that_a_pass_would_find_is_named_and_no_tag_is_chosen(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(Git(repository), {"Packs/A/ReleaseNotes": "a file"})
    out = explain(repository, tmp_path, capsys, {})
    assert out.endswith("problem unsafe-edit           ReleaseNotes of its pack is no folder\n")
    assert "chosen" not in out
    without_notes = explain(repository, tmp_path, capsys, {"pull_requests": {"release_notes": False}})
    assert "update  target                3.10.1.100 -> 3.12.1.300\n" in without_notes


@pytest.mark.parametrize(("name", "shown"), [("line\nfeed", "line\\nfeed"), ("\x1b[2J", "\\x1b[2J")])
def test_unsafe_path_is_a_problem_and_stays_in_its_line(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    path = f"Packs/A/Scripts/{name}.yml"
    commit(Git(repository), {path: item_yaml("demisto/python3:3.10.1.100")})
    first, _, problem = explain(repository, tmp_path, capsys, {}, path).splitlines()
    assert first.startswith(f"Packs/A/Scripts/{shown}.yml at ")
    assert problem.startswith("problem unsafe-path ")


OLD, NEW = "1.0.0.1", "1.0.0.2"
REQUESTS, BS4 = ["2.26.0", "Apache Software License"], ["4.10.0", "MIT"]


def tag(*, python: str = "3.10.1", created: str = "2026-01-01T00:00:00Z", **packages: list[str]) -> Any:
    """Return what a tag file says of a tag."""
    return {"created": created, "python": python, "packages": packages}


SAFE = {OLD: tag(requests=REQUESTS), NEW: tag(requests=REQUESTS)}
TAGS: dict[str, Any] = {
    "demisto/safe": SAFE,
    "demisto/python3": SAFE,
    "demisto/lacking": {OLD: tag(requests=REQUESTS, beautifulsoup4=BS4), NEW: tag(requests=REQUESTS)},
    "demisto/major": {OLD: tag(requests=REQUESTS), NEW: tag(requests=["3.0.0", "MIT"])},
    "demisto/pages": {OLD: {}, NEW: {}},
    "demisto/mutable": ["latest"],
    "demisto/current": [OLD],
    "demisto/ahead": ["1.0.0.0"],
    "demisto/young": {OLD: tag(), NEW: tag(created="2099-01-01T00:00:00Z")},
}


def every_kind_of_row(folder: Path) -> None:
    """Make a repository with an item for nearly every row that a plan can have."""
    images = {
        "NoImage": "''",
        "Invalid": "demisto/",
        "Elsewhere": f"other.example/demisto/x:{OLD}",
        "Untrusted": f"acme/x:{OLD}",
        "Native": f"demisto/py3-native:{OLD}",
        "OptedOut": f"demisto/safe:{OLD}\nautoUpdateDockerImage: false",
        "Deprecated": f"demisto/safe:{OLD}\ndeprecated: true",
        "Shell": f"demisto/safe:{OLD}",
        "ExcludedImage": f"demisto/excluded:{OLD}",
        "DeprecatedImage": f"demisto/old:{OLD}",
        "Mutable": "demisto/safe:latest",
        "NotFound": f"demisto/none:{OLD}",
        "OnlyMutable": f"demisto/mutable:{OLD}",
        "Current": f"demisto/current:{OLD}",
        "Ahead": f"demisto/ahead:{OLD}",
        "Young": f"demisto/young:{OLD}",
        "Held": f"demisto/safe:{OLD}",
        "Safe": f"demisto/safe:{OLD}",
        "Breaks": f"demisto/lacking:{OLD}",
        "OnPython": f"demisto/python3:{OLD}",
    }
    files = script_pack("A", images)
    shell = "Packs/A/Scripts/Shell/Shell.yml"
    files[shell] = files[shell].replace("type: python", "type: javascript")
    for pack, image in {
        "B": "lacking",
        "C": "major",
        "D": "safe",
        "E": "pages",
        "ApiModules": "safe",
    }.items():
        files |= script_pack(pack, {f"In{pack}": f"demisto/{image}:{OLD}"})
    for name in ("A/Scripts/Breaks/Breaks", "B/Scripts/InB/InB"):
        files[f"Packs/{name}.py"] = "import bs4\nimport requests\n"
    for name in ("C/Scripts/InC/InC", "D/Scripts/InD/InD"):
        files[f"Packs/{name}.py"] = "import requests\n"
    files |= script_pack("Hidden", {"InHidden": f"demisto/safe:{OLD}"})
    files["Packs/Hidden/pack_metadata.json"] = pack_metadata(hidden=True)
    files |= script_pack("Partner", {"InPartner": f"demisto/safe:{OLD}"})
    files["Packs/Partner/pack_metadata.json"] = pack_metadata(support="partner")
    files["Packs/Bare/Scripts/InBare/InBare.yml"] = item_yaml(f"demisto/safe:{OLD}")
    files["Packs/A/Scripts/Broken.yml"] = "dockerimage: demisto/x:\n"
    files |= script_pack("Blocked", {"InBlocked": f"demisto/safe:{OLD}"})
    files["Packs/Blocked/ReleaseNotes"] = "a file"
    make_repository(folder, files)


SETTINGS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "what breaks is held": {"policy": {"risk": {"breaking": "hold"}}},
    "what is to be reviewed goes alone": {"policy": {"risk": {"breaking": "ignore", "review": "separate"}}},
    "few pull requests": {"pull_requests": {"max_new_per_run": 2, "max_items": 1}},
    "python only": {"policy": {"auto_update": "python-only"}},
    "no facts": {"registry": {"facts": "none"}},
    "waves": {"rollout": {"waves": [{"name": "one", "packs": ["A"]}, {"name": "two", "packs": ["D"]}]}},
}


def options_for(name: str, folder: Path) -> list[str]:
    """Return the options of a command with one of these settings over the repository of every kind of row."""
    listed = [{"image_name": "demisto/old", "reason": "Use the demisto/safe image."}]
    (folder / "deprecated.json").write_text(json.dumps(listed))
    deprecated = f"file:{folder / 'deprecated.json'}"
    common: dict[str, Any] = {
        "registry": {"min_age": "1 day", "cache": str(folder / "cache"), "deprecated_images": deprecated},
        "policy": {
            "support": ["xsoar"],
            "exclude_images": ["demisto/excluded"],
            "holds": [{"reason": "release week", "items": ["Held"], "until": "2099-01-01"}],
        },
    }
    for section, keys in SETTINGS[name].items():
        common[section] = common.get(section, {}) | keys
    (folder / "s.yml").write_text(json.dumps(common))
    (folder / "tags.json").write_text(json.dumps(TAGS))
    repository = folder / "content"
    if not repository.exists():
        every_kind_of_row(repository)
    options = {"--repo": repository, "--config": folder / "s.yml", "--tags": f"file:{folder / 'tags.json'}"}
    return [word for name, value in options.items() for word in (name, str(value))]


def rows_of(plan: Any) -> dict[str, tuple[str, str, str]]:
    """Return the row of every item of a plan as `explain` spells it: outcome, rule, detail."""
    rows = {row["path"]: ("skip", row["reason"], row["detail"]) for row in plan["skipped"]}
    rows |= {row["path"]: ("problem", row["reason"], row["detail"]) for row in plan["problems"]}
    for bump in plan["bumps"]:
        wait = bump["waiting"]
        found = ("wait", wait["reason"], wait["detail"]) if wait else ("plan", "pull request", bump["branch"])
        rows[bump["path"]] = found
    return rows


def open_whole_pass(options: list[str]) -> Pass:
    """Open the pass that `explain` makes with these options."""
    given = dict(zip(options[::2], options[1::2], strict=True))
    wanted = PassOptions(Path(given["--repo"]), "HEAD", given["--tags"], refresh=False, filters=Filters())
    return open_pass(wanted, lambda tree: load_settings(Path(given["--config"]), tree), Silent())


def trail_of(out: str) -> list[tuple[str, str, str]]:
    """Return outcome, rule and detail of every line of a trail."""
    trail = out.split("\n\n")[1].splitlines()
    return [(line[:8].strip(), line[8:30].strip(), line[30:]) for line in trail]


@pytest.mark.parametrize("settings", SETTINGS)
def test_verdict_on_every_item_is_its_row_of_the_plan(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = options_for(settings, tmp_path)
    assert run_command(["plan", *options, "--format", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    rows = rows_of(plan)
    assert len(rows) == plan["files"] > 25
    risks = {bump["path"]: bump["risk"] for bump in plan["bumps"]}
    this_pass = open_whole_pass(options)
    for path, (outcome, rule, detail) in rows.items():
        trail = trail_of("\n".join(explain_item(this_pass, path, "here")))
        assert trail[-1][:2] == (outcome, rule), path
        assert trail[-1][2].startswith(detail), path
        told = {rule for outcome, rule, _ in trail if outcome == "risk"}
        if path in risks and (risk := risks[path]):
            level = {"unknown": "not known"}.get(risk["level"], risk["level"])
            assert level in told, path
        elif path in risks:
            assert told == {"not assessed" if settings == "no facts" else "not looked at"}, path


def test_item_is_found_by_its_name_or_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "Packs/A/pack_metadata.json": pack_metadata(),
        "Packs/A/Integrations/EC2.yml": item_yaml(name="AWS - EC2", kind="integration"),
        "Packs/A/Scripts/One.yml": item_yaml(name="Twice"),
        "Packs/A/Scripts/Two.yml": item_yaml(name="Twice"),
        "Packs/A/Scripts/Id.yml": item_yaml(name="Named").replace("id: Named", "id: its-id"),
        "Packs/A/Scripts/[a]*.yml": item_yaml(name="Glob"),
        "Packs/A/README.md": "x",
    }
    repository = make_repository(tmp_path / "r", files).directory
    (tmp_path / "tags.json").write_text('{"demisto/python3": []}')
    options = ["--repo", str(repository), "--tags", f"file:{tmp_path / 'tags.json'}"]
    for wanted, path in [
        ("AWS - EC2", "Integrations/EC2.yml"),
        ("aws - ec2", "Integrations/EC2.yml"),
        ("Named", "Scripts/Id.yml"),
        ("its-id", "Scripts/Id.yml"),
        ("./Packs/A/Scripts/One.yml", "Scripts/One.yml"),
        ("Packs/A/Scripts/[a]*.yml", "Scripts/[a]*.yml"),
    ]:
        assert run_command(["explain", wanted, *options]) == 0
        assert capsys.readouterr().out.startswith(f"Packs/A/{path} at "), wanted
    for wanted, message in [
        (
            "Twice",
            "2 items are called 'Twice', name one by its path: Packs/A/Scripts/One.yml, Packs/A/Scripts/Two",
        ),
        ("Packs/A/Scripts/Onee.yml", "did you mean Packs/A/Scripts/One.yml?"),
        ("AWS EC2", "did you mean AWS - EC2?"),
        ("Packs/A/Scripts/Nope.yml", "no item of this name or id\n"),
        ("Packs/A/README.md", "is no item: items are Packs/<pack>/"),
    ]:
        assert run_command(["explain", wanted, *options]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_path_counts_from_where_one_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"S": "demisto/x:1.0.0.1"}), bare=False)
    (tmp_path / "tags.json").write_text('{"demisto/x": []}')
    path = "Packs/A/Scripts/S/S.yml"
    for folder, wanted in [
        (git.directory, f"./{path}"),
        (git.directory / "Packs/A", "Scripts/S/S.yml"),
        (git.directory / "Packs/A/Scripts/S", "S.yml"),
        (git.directory / "Packs/A", path),
        (git.directory / "Packs", "../Packs/A/Scripts/S/S.yml"),
        (tmp_path, f"r/{path}"),
        (tmp_path, str(git.directory / path)),
    ]:
        monkeypatch.chdir(folder)
        repo = ["--repo", "r"] if folder == tmp_path else []
        assert run_command(["explain", wanted, *repo, "--tags", f"file:{tmp_path / 'tags.json'}"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"{path} at "), (folder, wanted)
        assert err == ""


def test_items_of_a_pack_that_wait_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = script_pack("A", {"One": "demisto/x:1.0.0.1", "Two": "demisto/y:1.0.0.1"})
    repository = make_repository(tmp_path / "r", files).directory
    (tmp_path / "tags.json").write_text('{"demisto/x": ["1.0.0.2"], "demisto/y": ["1.0.0.2"]}')
    options = ["--repo", str(repository), "--tags", f"file:{tmp_path / 'tags.json'}"]
    assert run_command(["explain", "A", *options]) == 0
    *_, one, two = capsys.readouterr().out.splitlines()
    assert "  to 1.0.0.2 in autobump/x/" in one
    assert two.endswith("  waits, pack-busy")


def test_item_that_is_edited_is_told_to_count_when_it_is_committed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = script_pack("A", {"One": "demisto/python3:3.10.1.100"})
    git = make_repository(tmp_path / "r", files, bare=False)
    told = "\nThe file in the work tree is another one; it counts when it is committed.\n"
    assert told not in explain(git.directory, tmp_path, capsys, {})
    file = git.directory / PATH
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert told not in explain(git.directory, tmp_path, capsys, {})
    file.write_bytes(file.read_bytes() + b"autoUpdateDockerImage: false\n")
    assert told in explain(git.directory, tmp_path, capsys, {})
    assert told in explain(git.directory / "Packs", tmp_path, capsys, {})
    file.unlink()
    assert told not in explain(git.directory, tmp_path, capsys, {})


@pytest.mark.parametrize("root", ["Packs", "."])
def test_items_of_a_pack_or_of_a_folder_in_it_are_listed(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {
        **script_pack("A", {"One": "demisto/x:1.0.0.1", "Two": "demisto/y:1.0.0.1"}),
        **script_pack("AB", {"Three": "demisto/x:1.0.0.1"}),
        "Packs/A/Scripts/Bad/Bad.yml": "a: [\n",
    }
    if root == ".":
        files = {path.removeprefix("Packs/"): text for path, text in files.items()}
    prefix = "Packs/" if root == "Packs" else ""
    repository = make_repository(tmp_path / "r", files).directory
    (tmp_path / "tags.json").write_text('{"demisto/x": ["1.0.0.2"]}')
    options = ["--repo", str(repository), "--tags", f"file:{tmp_path / 'tags.json'}"]
    rows = [
        f"{prefix}A/Scripts/Bad/Bad.yml  cannot be read  problem, invalid-yaml",
        f"{prefix}A/Scripts/One/One.yml  demisto/x:1.0.0.1  to 1.0.0.2 in autobump/x/",
        f"{prefix}A/Scripts/Two/Two.yml  demisto/y:1.0.0.1  skipped, image-not-found",
    ]
    for wanted in ("A", f"{prefix}A", f"{prefix}A/", f"{prefix}A/Scripts"):
        assert run_command(["explain", wanted, *options]) == 0
        head, empty, *listed = capsys.readouterr().out.splitlines()
        assert head.endswith(" holds 3 items; name one for all that was decided:")
        assert empty == ""
        assert all(line.startswith(row) for line, row in zip(listed, rows, strict=True)), listed
    for wanted in ("Packs", ".", "None"):
        assert run_command(["explain", wanted, *options]) == 2
        assert "has no file and no pack" in capsys.readouterr().err


def test_item_that_is_called_as_its_pack_comes_before_the_pack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = make_repository(tmp_path / "r", script_pack("A", {"A": "demisto/x:1.0.0.1"})).directory
    (tmp_path / "tags.json").write_text('{"demisto/x": []}')
    options = ["--repo", str(repository), "--tags", f"file:{tmp_path / 'tags.json'}"]
    assert run_command(["explain", "A", *options]) == 0
    assert capsys.readouterr().out.startswith("Packs/A/Scripts/A/A.yml at ")


def test_every_kind_of_row_was_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: set[str] = set()
    for settings in SETTINGS:
        assert run_command(["plan", *options_for(settings, tmp_path), "--format", "json"]) == 0
        seen |= {rule for _, rule, _ in rows_of(json.loads(capsys.readouterr().out)).values()}
    waits = {WaitReason.PACK_BUSY, WaitReason.LIMIT_REACHED, WaitReason.WAITING_FOR_WAVE}
    assert {*SkipReason, *NoUpdateReason, *waits, "pull request", "unsafe-edit", "invalid-yaml"} <= seen


def test_risk_is_told_with_its_findings_and_what_the_settings_make_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def explain(settings: str, path: str) -> str:
        assert run_command(["explain", path, *options_for(settings, tmp_path)]) == 0
        return capsys.readouterr().out

    gone = "imports bs4 of the package beautifulsoup4 4.10.0, which the new image lacks"
    path = "Packs/B/Scripts/InB/InB.yml"
    told = f"risk    breaking              {gone}\nrisk    policy.risk.breaking  "
    assert f"{told}separate\nplan    pull request          autobump/lacking/" in explain("as it is", path)
    assert f"{told}hold\nskip    held                  {gone}\n" in explain("what breaks is held", path)
    out = explain("what is to be reviewed goes alone", "Packs/C/Scripts/InC/InC.yml")
    assert "risk    policy.risk.review    separate\n" in out
    out = explain("as it is", "Packs/D/Scripts/InD/InD.yml")
    assert "risk    none                  the code imports nothing that is gone or" in out


@pytest.mark.corpus
def test_verdict_on_real_items_is_their_row_of_the_plan(
    corpus_repository: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.yml").write_text(json.dumps({"registry": {"cache": str(tmp_path / "cache")}}))
    options = ["--repo", str(corpus_repository), "--config", str(tmp_path / "s.yml")]
    options += ["--tags", f"file:{corpus / 'images-2026-05.json.xz'}"]
    assert run_command(["plan", *options, "--format", "json"]) == 0
    rows = rows_of(json.loads(capsys.readouterr().out))
    one_of_each = {rule: path for path, (_, rule, _) in sorted(rows.items())}
    assert {"pack-busy", "limit-reached", "pull request"} <= one_of_each.keys()
    for path in one_of_each.values():
        assert run_command(["explain", path, *options]) == 0
        outcome, rule, detail = trail_of(capsys.readouterr().out)[-1]
        assert (outcome, rule) == rows[path][:2], path
        assert detail.startswith(rows[path][2]), path
