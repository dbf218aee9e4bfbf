"""Whole passes over small repositories in real git, through the command line."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from autobump.cli import run_command
from autobump.pull_requests.marker import find_marker
from autobump.support.git import Git, GitError
from tests.fixtures.repositories import (
    branches,
    commit,
    item_yaml,
    make_repository,
    pack_metadata,
    script_pack,
    show,
)

OLD, NEW, NEWER = "demisto/python3:3.9.8.24399", "3.12.13.12042988", "3.12.14.13000000"
LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command line and return exit code, stdout and stderr."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run_command([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def tags(tmp_path: Path) -> Path:
    return write_tags(tmp_path, NEW)


def write_tags(folder: Path, *newest: str) -> Path:
    path = folder / "tags.json"
    path.write_text(
        json.dumps({"demisto/python3": ["3.9.8.24399", *newest, "latest"], "demisto/dl": ["1.5"]})
    )
    return path


def run_json(command: Command, *arguments: str | Path, status: int = 0) -> Any:
    code, out, err = command(*arguments, "--format", "json")
    assert (code, err) == (status, "")
    return json.loads(out)


def test_plan_explains_and_run_writes_and_a_second_run_changes_nothing(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}) | script_pack("B", {"Two": OLD}))
    options = ("--repo", git.directory, "--tags", f"file:{tags}")

    plan = run_json(command, "plan", *options)
    assert [(bump["path"], bump["current"], bump["target"], bump["waiting"]) for bump in plan["bumps"]] == [
        ("Packs/A/Scripts/One/One.yml", "3.9.8.24399", NEW, None),
        ("Packs/B/Scripts/Two/Two.yml", "3.9.8.24399", NEW, None),
    ]
    assert branches(git) == {}

    dry = run_json(command, "run", *options, "--dry-run")
    assert [(pr["action"], pr["head"], pr["number"], pr["url"]) for pr in dry["pull_requests"]] == [
        ("create", None, None, None)
    ]
    assert dry["dry_run"] is True
    assert branches(git) == {}

    first = run_json(command, "run", *options)
    assert first["dry_run"] is False
    (pr,) = first["pull_requests"]
    assert branches(git) == {pr["branch"]: pr["head"]}
    assert pr["branch"] == plan["pull_requests"][0]["branch"]
    marker = find_marker(pr["body"])
    assert marker is not None
    assert marker.head == pr["head"]
    assert show(git, pr["head"], "Packs/A/Scripts/One/One.yml").decode() == item_yaml(
        f"demisto/python3:{NEW}", name="One"
    )
    assert show(git, pr["head"], "Packs/A/ReleaseNotes/1_0_1.md").decode() == (
        f"\n#### Scripts\n\n##### One\n\n- Updated the Docker image to: *demisto/python3:{NEW}*.\n"
    )

    second = run_json(command, "run", *options)
    assert [(pr["action"], pr["head"]) for pr in second["pull_requests"]] == [("leave", pr["head"])]
    assert branches(git) == {pr["branch"]: pr["head"]}
    assert git.run("for-each-ref", "refs/autobump/") == b""


def test_newer_tag_moves_the_branch_onto_the_current_base(tmp_path: Path, command: Command) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    tags = write_tags(tmp_path, NEW)
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    (before,) = run_json(command, "run", *options)["pull_requests"]
    base = commit(git, {"README.md": "moved on"})
    assert run_json(command, "run", *options)["pull_requests"][0]["action"] == "leave"

    write_tags(tmp_path, NEW, NEWER)
    (after,) = run_json(command, "run", *options)["pull_requests"]
    assert (after["action"], after["branch"]) == ("refresh", before["branch"])
    assert git.line("rev-parse", f"{after['head']}^") == base
    assert git.line("rev-list", "--count", f"{base}..{after['head']}") == "1"


def test_merged_branch_is_deleted_and_items_are_up_to_date(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    (pr,) = run_json(command, "run", *options)["pull_requests"]
    git.run("update-ref", "refs/heads/master", pr["head"])
    after = run_json(command, "run", *options)
    assert [action["action"] for action in after["pull_requests"]] == ["close"]
    assert [skip["reason"] for skip in after["skipped"]] == ["up-to-date"]
    assert branches(git) == {}


def test_branch_a_person_committed_to_is_left_alone(tmp_path: Path, tags: Path, command: Command) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    (pr,) = run_json(command, "run", *options)["pull_requests"]
    head = commit(git, {"Packs/A/README.md": "mine"}, branch=pr["branch"])
    write_tags(tmp_path, NEW, NEWER)
    after = run_json(command, "run", *options)
    assert [action["action"] for action in after["pull_requests"]] == ["hold"]
    assert after["bumps"][0]["waiting"]["reason"] == "edited-by-maintainer"
    assert branches(git) == {pr["branch"]: head}


def test_working_tree_index_and_current_branch_stay_untouched(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}), bare=False)
    work = git.directory
    (work / "Packs/A/Scripts/One/One.yml").write_text("half-finished")
    (work / "new.txt").write_text("mine")
    git.run("add", "new.txt")
    index = (work / ".git/index").read_bytes()
    before = git.run("status", "--porcelain=v2", "--branch")
    assert command("run", "--repo", work, "--tags", f"file:{tags}")[0] == 0
    assert git.run("status", "--porcelain=v2", "--branch") == before
    assert (work / ".git/index").read_bytes() == index
    assert len(branches(git)) == 1


def test_branch_that_is_checked_out_is_reported_and_left(tmp_path: Path, command: Command) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}), bare=False)
    tags = write_tags(tmp_path, NEW)
    options = ("--repo", git.directory, "--tags", f"file:{tags}", "--rev", "master")
    (pr,) = run_json(command, "run", *options)["pull_requests"]
    git.run("checkout", "--quiet", pr["branch"])
    write_tags(tmp_path, NEW, NEWER)
    code, out, err = command("run", *options, "--format", "json")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("autobump: error: pull request failed (")
    assert "checked out" in err
    (after,) = json.loads(out)["pull_requests"]
    assert "checked out" in after["failure"]
    assert branches(git) == {pr["branch"]: pr["head"]}


def test_modes_and_odd_paths_are_kept(tmp_path: Path, tags: Path, command: Command) -> None:
    path = 'Packs/A "b" \\c/Scripts/\u00e9 \U0001f600.yml'
    files = {path: item_yaml(OLD), 'Packs/A "b" \\c/pack_metadata.json': pack_metadata()}
    git = make_repository(tmp_path / "r", files, modes={path: "100755"})
    (pr,) = run_json(command, "run", "--repo", git.directory, "--tags", f"file:{tags}")["pull_requests"]
    listing = git.run("ls-tree", "-r", "-z", pr["head"], "--", path).decode()
    assert listing.startswith("100755 ")
    changed = git.run("diff", "--name-only", "-z", "master", pr["head"]).decode().split("\0")[:-1]
    assert len(changed) == 3


def test_files_outside_the_planned_paths_are_identical(tmp_path: Path, tags: Path, command: Command) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Evil.yml").write_text(item_yaml(OLD))
    files: dict[str, str | bytes] = {
        **script_pack("A", {"One": OLD}),
        "Packs/Link": str(outside),
        "Packs/A/Scripts/Evil": str(outside),
        "Packs/A/Scripts/Evil2.yml": "/etc/passwd",
    }
    links = dict.fromkeys(("Packs/Link", "Packs/A/Scripts/Evil", "Packs/A/Scripts/Evil2.yml"), "120000")
    git = make_repository(tmp_path / "r", files, modes=links)
    report = run_json(command, "run", "--repo", git.directory, "--tags", f"file:{tags}")
    assert report["files"] == 1
    assert (outside / "Evil.yml").read_text() == item_yaml(OLD)
    code, _, err = command(
        "explain", "Packs/A/Scripts/Evil2.yml", "--repo", git.directory, "--tags", f"file:{tags}"
    )
    assert (code, "symbolic link" in err) == (2, True)


def test_every_file_ends_in_one_row_whatever_is_wrong_with_it(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    scripts: dict[str, str | bytes] = {
        "Fine": item_yaml(OLD),
        "Broken": "dockerimage: demisto/oauthlib:\n",
        "Binary": b"\xff\xfe\x00",
        "Empty": "",
        "Twice": item_yaml(OLD) + f"dockerimage: {OLD}\n",
        "Escaped": item_yaml('"demisto\\x2fpython3:3.9.8.24399"'),
        "Tabs": "\tname: x\n",
        "NoName": f"type: python\ndockerimage: {OLD}\n",
        "TwoLines": item_yaml(OLD, name='"two\\nlines"'),
        "Misplaced": item_yaml(OLD).replace("script: '-'", "script: {autoUpdateDockerImage: true}"),
        "Unknown": item_yaml("demisto/none:1.2.3.4"),
        "TwoPart": item_yaml("demisto/dl:1.1"),
        "Huge": "# " + "x" * (10 * 1024 * 1024) + "\n",
    }
    files: dict[str, str | bytes] = {"Packs/A/pack_metadata.json": pack_metadata()}
    files |= {f"Packs/A/Scripts/{name}.yml": text for name, text in scripts.items()}
    files |= {
        "Packs/NoMeta/Scripts/S.yml": item_yaml(OLD),
        "Packs/BadMeta/Scripts/M.yml": item_yaml(OLD),
        "Packs/BadMeta/pack_metadata.json": "{",
        "Packs/A/Scripts/Pointer.yml": LFS,
        "Packs/A/Scripts/line\nfeed.yml": item_yaml(OLD),
    }
    git = make_repository(tmp_path / "r", files)
    report = run_json(command, "plan", "--repo", git.directory, "--tags", f"file:{tags}")
    rows = {
        row["path"].rpartition("/")[2]: row.get("reason") for row in report["skipped"] + report["problems"]
    }
    assert rows == {
        "Broken.yml": "invalid-yaml",
        "Binary.yml": "invalid-encoding",
        "Empty.yml": "invalid-yaml",
        "Twice.yml": "duplicate-key",
        "Escaped.yml": "unsafe-edit",
        "Tabs.yml": "invalid-yaml",
        "NoName.yml": "invalid-item",
        "TwoLines.yml": "invalid-item",
        "Unknown.yml": "image-not-found",
        "TwoPart.yml": "no-immutable-tag",
        "Huge.yml": "too-large",
        "S.yml": "no-pack-metadata",
        "M.yml": "invalid-pack-metadata",
        "Pointer.yml": "lfs-pointer",
        "line\\nfeed.yml": "unsafe-path",
    }
    assert [bump["path"].rpartition("/")[2] for bump in report["bumps"]] == ["Fine.yml", "Misplaced.yml"]
    assert report["files"] == len(scripts) + 4
    assert report["files"] == len(report["bumps"]) + len(report["skipped"]) + len(report["problems"])
    assert [notice["path"] for notice in report["notices"]] == ["Packs/A/Scripts/Misplaced.yml"]
    assert command("plan", "--repo", git.directory, "--tags", f"file:{tags}", "--strict")[0] == 1


def test_damaged_metadata_is_a_problem_with_its_place(tmp_path: Path, tags: Path, command: Command) -> None:
    files = script_pack("A", {"One": OLD, "Two": OLD}) | script_pack("B", {"Three": OLD})
    files["Packs/A/pack_metadata.json"] = '{\n  "name": "A",\n  "currentVersion": 1.0\n}'
    git = make_repository(tmp_path / "r", files)
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    report = run_json(command, "plan", *options)
    assert [bump["pack"] for bump in report["bumps"]] == ["B"]
    assert [row["path"] for row in report["problems"]] == [
        f"Packs/A/Scripts/{name}/{name}.yml" for name in ("One", "Two")
    ]
    for row in report["problems"]:
        assert (row["reason"], row["file"], row["line"], row["column"]) == (
            "invalid-pack-metadata",
            "Packs/A/pack_metadata.json",
            3,
            21,
        )
    code, out, _ = command("plan", *options, "--strict")
    assert code == 1
    assert "Packs/A/pack_metadata.json:3:21" in out.replace("\n", "")
    assert (
        "Packs/A/pack_metadata.json, line 3, column 21"
        in command("explain", "Packs/A/Scripts/One/One.yml", *options)[1]
    )


def test_without_release_notes_metadata_is_not_asked_for(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    files: dict[str, str | bytes] = {f"Packs/{name}/Scripts/S.yml": item_yaml(OLD) for name in "ABCD"}
    files["Packs/B/pack_metadata.json"] = "{"
    files["Packs/C/pack_metadata.json"] = '{"name": "no version"}'
    files["Packs/D/pack_metadata.json"] = '{"hidden": true}'
    git = make_repository(tmp_path / "r", files)
    options = (
        "--repo",
        git.directory,
        "--tags",
        f"file:{tags}",
        "--set",
        "pull_requests.release_notes=false",
    )
    report = run_json(command, "run", *options, "--strict")
    assert [bump["pack"] for bump in report["bumps"]] == ["A", "B", "C"]
    assert [(row["pack"], row["reason"]) for row in report["skipped"]] == [("D", "hidden-pack")]
    for head in branches(git).values():
        changed = git.run("diff-tree", "-r", "--name-only", "master", head).decode().split()
        assert changed == [f"Packs/{name}/Scripts/S.yml" for name in "ABC"]


def test_deprecated_images_are_skipped_unless_the_policy_updates_them(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    listed = [
        {"image_name": "demisto/python3", "reason": "Use the demisto/py3-tools docker image instead."},
        {"image_name": "demisto/dl", "reason": "No available\nreplacement."},
    ]
    (tmp_path / "deprecated.json").write_text(json.dumps(listed))
    pack = script_pack("A", {"One": OLD, "Two": "demisto/dl:1.0.0.1", "Mine": "demisto/other:1.0.0.1"})
    pack |= script_pack("B", {"Known": "demisto/known:1.0.0.1"})
    tags.write_text(json.dumps(json.loads(tags.read_text()) | {"demisto/known": ["1.0.0.1"]}))
    git = make_repository(tmp_path / "r", pack)
    source = ("--set", f"registry.deprecated_images=file:{tmp_path / 'deprecated.json'}")
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    report = run_json(command, "plan", *options, *source)
    assert {row["path"].rpartition("/")[2]: (row["reason"], row["detail"]) for row in report["skipped"]} == {
        "One.yml": ("deprecated-image", "demisto/python3 is deprecated; use demisto/py3-tools instead"),
        "Two.yml": ("deprecated-image", "demisto/dl is deprecated: No available replacement."),
        "Mine.yml": ("image-not-found", ANY),
        "Known.yml": ("up-to-date", ANY),
    }
    assert [row["image"] for row in report["deprecated_images"]] == ["demisto/dl", "demisto/python3"]
    explained = command("explain", "Packs/A/Scripts/One/One.yml", *options, *source)[1]
    assert "skip    deprecated-image      demisto/python3 is deprecated; use demisto/py3-tools" in explained
    updated = run_json(command, "plan", *options, *source, "--set", "policy.deprecated_images=update")
    assert [bump["name"] for bump in updated["bumps"]] == ["One"]
    assert len(updated["deprecated_images"]) == 2


def test_list_of_deprecated_images_that_cannot_be_had_skips_nothing(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    source = ("--set", f"registry.deprecated_images=file:{tmp_path / 'none.json'}")
    code, out, err = command(
        "plan", "--repo", git.directory, "--tags", f"file:{tags}", *source, "--format", "json"
    )
    assert (code, [bump["name"] for bump in json.loads(out)["bumps"]]) == (0, ["One"])
    assert "deprecated images are not known, so none is skipped" in err


def test_pinned_items_get_a_tag(tmp_path: Path, tags: Path, command: Command) -> None:
    images = {"Bare": "demisto/python3", "Latest": "demisto/python3:latest"}
    files = script_pack("A", images) | {".github/autobump.yml": "policy: {pin_mutable_tags: true}"}
    git = make_repository(tmp_path / "r", files)
    report = run_json(command, "run", "--repo", git.directory, "--tags", f"file:{tags}")
    assert [bump["current"] for bump in report["bumps"]] == [None, "latest"]
    head = report["pull_requests"][0]["head"]
    for name in images:
        assert show(git, head, f"Packs/A/Scripts/{name}/{name}.yml").decode() == item_yaml(
            f"demisto/python3:{NEW}", name=name
        )


def test_pack_without_release_notes_setting_changes_its_yaml_only(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    files = script_pack("A", {"One": OLD}) | {".github/autobump.yml": "pull_requests: {release_notes: false}"}
    git = make_repository(tmp_path / "r", files)
    (pr,) = run_json(command, "run", "--repo", git.directory, "--tags", f"file:{tags}")["pull_requests"]
    assert git.line("diff", "--name-only", "master", pr["head"]) == "Packs/A/Scripts/One/One.yml"


@pytest.mark.parametrize(
    ("filters", "files"),
    [
        (("--pack", "A"), 2),
        (("--pack", "A", "--pack", "B"), 3),
        (("--path", "*/One/*"), 1),
        (("--image", "demisto/dl"), 1),
        (("--pack", "A", "--image", "demisto/dl"), 1),
    ],
)
def test_filters_choose_items(
    tmp_path: Path, tags: Path, command: Command, filters: tuple[str, ...], files: int
) -> None:
    content = script_pack("A", {"One": OLD, "Dl": "demisto/dl:1.1"}) | script_pack("B", {"Two": OLD})
    git = make_repository(tmp_path / "r", content)
    report = run_json(command, "plan", "--repo", git.directory, "--tags", f"file:{tags}", *filters)
    assert report["files"] == files


@pytest.mark.parametrize(
    "filters", [("--pack", "Aa"), ("--image", "demisto/pyton3"), ("--path", "nothing/*")]
)
def test_filter_that_matches_nothing_is_told(
    tmp_path: Path, tags: Path, command: Command, filters: tuple[str, ...]
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    code, out, err = command("plan", "--repo", git.directory, "--tags", f"file:{tags}", *filters)
    assert (code, out) == (2, "")
    assert filters[1] in err


def test_filtered_run_leaves_other_pull_requests_alone(tmp_path: Path, command: Command) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    tags = write_tags(tmp_path, NEW)
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    run_json(command, "run", *options)
    commit(git, script_pack("B", {"Two": OLD}))
    before = branches(git)
    write_tags(tmp_path, NEW, NEWER)
    report = run_json(command, "run", *options, "--pack", "B")
    assert [pr["action"] for pr in report["pull_requests"]] == ["create"]
    assert before.items() <= branches(git).items()


def test_shallow_clone_is_fine(tmp_path: Path, tags: Path, command: Command) -> None:
    origin = make_repository(tmp_path / "origin", script_pack("A", {"One": OLD}))
    commit(origin, {"README.md": "x"})
    Git(tmp_path).run("clone", "--quiet", "--depth=1", f"file://{origin.directory}", "clone")
    report = run_json(command, "run", "--repo", tmp_path / "clone", "--tags", f"file:{tags}")
    assert [pr["action"] for pr in report["pull_requests"]] == ["create"]


@pytest.fixture
def partial_clone(tmp_path: Path) -> Path:
    origin = make_repository(tmp_path / "origin", script_pack("A", {"One": OLD, "Two": OLD}))
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        origin.run("config", key, "true")
    url = f"file://{origin.directory}"
    Git(tmp_path).run("clone", "--quiet", "--bare", "--filter=blob:none", url, "clone")
    return tmp_path / "clone"


def test_partial_clone_fetches_items_and_packs_in_a_batch_each(
    partial_clone: Path, tags: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetches: list[bytes] = []
    original = Git.run

    def counting(self: Git, *arguments: str, **options: Any) -> bytes:
        if "fetch" in arguments:
            fetches.append(options["stdin"])
        return original(self, *arguments, **options)

    monkeypatch.setattr(Git, "run", counting)
    assert run_json(command, "plan", "--repo", partial_clone, "--tags", f"file:{tags}")["files"] == 2
    assert [wants.count(b"\n") for wants in fetches] == [2, 1]
    assert run_json(command, "plan", "--repo", partial_clone, "--tags", f"file:{tags}")["files"] == 2
    assert len(fetches) == 2


def test_partial_clone_that_cannot_fetch_is_told(
    partial_clone: Path, tags: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "origin").rename(tmp_path / "gone")
    code, out, err = command("plan", "--repo", partial_clone, "--tags", f"file:{tags}")
    assert (code, out) == (2, "")
    assert "partial clone that lacks 2 files" in err
    assert err.count("\n") == 1


def test_one_clear_line_for_what_is_no_content_repository(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    plain, empty, other = tmp_path / "plain", tmp_path / "empty", tmp_path / "other"
    plain.mkdir()
    Git(tmp_path).run("init", "--quiet", "empty")
    make_repository(other, {"README.md": "x"})
    linked = make_repository(tmp_path / "linked", {"Packs": "/etc"}, modes={"Packs": "120000"})
    good = make_repository(tmp_path / "good", script_pack("A", {"One": OLD})).directory
    for arguments, message in [
        (("--repo", plain), "not a git repository"),
        (("--repo", tmp_path / "none"), "is not a folder"),
        (("--repo", empty), "no commit yet"),
        (("--repo", other), "no Packs folder"),
        (("--repo", linked.directory), "no folder"),
        (("--repo", good, "--rev", "nope"), "no commit called 'nope'"),
        (("--repo", good, "--rev", "--all"), "no commit called '--all'"),
        (("--repo", good, "--tags", "file:/none.json"), "cannot read the tags"),
        (("--repo", good, "--tags", "carrier-pigeon"), "is no tag source"),
        (("--repo", good, "--tags", tags), f"did you mean file:{tags}?"),
        (("--repo", good, "--tags", plain), f"did you mean dockerfiles-info:{plain}?"),
        (("--repo", good, "--config", "/none.yml"), "cannot read the settings"),
        (("--repo", good, "--output", tmp_path / "no/such/folder"), "cannot write"),
    ]:
        code, out, err = command("plan", "--tags", f"file:{tags}", *arguments)
        assert (code, out) == (2, ""), arguments
        assert message in err, arguments
        assert err.count("\n") == 1, err


def test_repository_that_cannot_be_written_is_told_and_nothing_is_half_done(
    tmp_path: Path, tags: Path, command: Command
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}) | script_pack("B", {"Two": OLD}))
    # A file where the branch's folder must go fails for every user, root included.
    (git.directory / "refs/heads/autobump").write_text("in the way")
    code, out, err = command("run", "--repo", git.directory, "--tags", f"file:{tags}")
    assert (code, out) == (1, "")
    assert "no branch was changed" in err
    (git.directory / "refs/heads/autobump").unlink()
    assert branches(git) == {}


def test_read_only_repository_is_told(tmp_path: Path, tags: Path, command: Command) -> None:
    if os.geteuid() == 0:
        # root writes everywhere; a repository whose object folder is a file refuses root as well.
        git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
        git.run("repack", "-adq")
        pack = git.directory / "objects/pack"
        moved = tmp_path / "pack"
        pack.rename(moved)
        alternates = git.directory / "objects/info/alternates"
        alternates.write_text(f"{tmp_path}/store\n")
        (tmp_path / "store").mkdir()
        moved.rename(tmp_path / "store/pack")
        pack.write_text("in the way")
    else:
        git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
        for folder in [git.directory, *git.directory.rglob("*/")]:
            if folder.is_dir():
                folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    code, out, err = command("run", "--repo", git.directory, "--tags", f"file:{tags}")
    if os.geteuid() != 0:
        for folder in [git.directory, *git.directory.rglob("*/")]:
            folder.chmod(stat.S_IRWXU)
    assert (code, out) == (1, "")
    assert "cannot write" in err


def test_two_runs_that_saw_the_same_state_do_not_overwrite_each_other(
    tmp_path: Path, tags: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    original = Git.run

    def interfering(self: Git, *arguments: str, **options_: Any) -> bytes:
        if arguments[0] == "update-ref":
            monkeypatch.setattr(Git, "run", original)
            commit(git, {"README.md": "a person was faster"}, branch=taken)
        return original(self, *arguments, **options_)

    taken = run_json(command, "run", *options, "--dry-run")["pull_requests"][0]["branch"]
    monkeypatch.setattr(Git, "run", interfering)
    code, _, err = command("run", *options)
    assert code == 1
    assert "no branch was changed" in err
    assert show(git, taken, "README.md") == b"a person was faster"


def test_pass_killed_before_the_branches_moved_ends_right_the_next_time(
    tmp_path: Path, tags: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    options = ("--repo", git.directory, "--tags", f"file:{tags}")
    original = Git.run

    def killed(self: Git, *arguments: str, **options_: Any) -> bytes:
        if arguments[0] == "update-ref":
            raise KeyboardInterrupt
        return original(self, *arguments, **options_)

    monkeypatch.setattr(Git, "run", killed)
    code, out, err = command("run", *options)
    cut_off = "while writing pull requests (0 of 1); one may be half done, which the next pass finishes"
    assert (code, out, err.strip()) == (130, "", f"autobump: interrupted {cut_off}")
    assert branches(git) == {}
    monkeypatch.setattr(Git, "run", original)
    assert [pr["action"] for pr in run_json(command, "run", *options)["pull_requests"]] == ["create"]
    assert git.run("for-each-ref", "refs/autobump/") == b""


def test_hooks_of_the_repository_do_not_run(tmp_path: Path, tags: Path, command: Command) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    hook = git.directory / "hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    assert command("run", "--repo", git.directory, "--tags", f"file:{tags}")[0] == 0
    assert not (tmp_path / "ran").exists()


def test_git_environment_of_a_hook_does_not_mislead(
    tmp_path: Path, tags: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"One": OLD}))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert run_json(command, "plan", "--repo", git.directory, "--tags", f"file:{tags}")["files"] == 1


def test_missing_git_is_told(
    tmp_path: Path, tags: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = command("plan", "--repo", tmp_path, "--tags", f"file:{tags}")
    assert (code, err.count("\n")) == (2, 1)
    assert "git was not found" in err


def test_git_error_is_its_own_last_words(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        Git(tmp_path).run("rev-parse")
