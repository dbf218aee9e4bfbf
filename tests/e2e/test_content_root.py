"""Whole passes over repositories whose packs are not below `Packs`."""

import json
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.pull_requests.marker import find_trailer
from autobump.support.git import Git
from tests.fixtures.repositories import branches, commit, item_yaml, make_repository, pack_metadata, show

TAGS = {"demisto/python3": ["3.9.8.24399", "3.12.13.12042988"]}


def prepare(folder: Path, *packs: str, settings: str = "") -> tuple[Path, str]:
    """Make a repository with packs in these folders, and a tag file."""
    files: dict[str, str | bytes] = {".github/autobump.yml": settings} if settings else {}
    for pack in packs:
        files[f"{pack}/pack_metadata.json"] = pack_metadata("1.0.3")
        files[f"{pack}/Scripts/One.yml"] = item_yaml(name=f"One of {pack}")
        files[f"{pack}/ReleaseNotes/1_0_3.md"] = "x\n"
    (folder / "tags.json").write_text(json.dumps(TAGS))
    return make_repository(folder / "r", files).directory, f"file:{folder / 'tags.json'}"


@pytest.mark.parametrize("root", ["", "content/Packs/", "x/"])
def test_run_writes_where_the_packs_are_and_a_second_run_leaves_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], root: str
) -> None:
    repository, tags = prepare(tmp_path, f"{root}A")
    arguments = ["--repo", str(repository), "--tags", tags, "--format", "json"]
    assert run_command(["run", *arguments]) == 0
    (made,) = json.loads(capsys.readouterr().out)["pull_requests"]
    assert made["action"] == "create"
    assert made["paths"] == [f"{root}A/Scripts/One.yml"]
    assert made["packs"] == ["A"]
    git = make_repository(repository, {})
    ((branch, head),) = branches(git).items()
    assert branch == made["branch"]
    changed = git.run("diff-tree", "-r", "--name-only", "master", head).decode().splitlines()
    assert changed == [
        f"{root}A/ReleaseNotes/1_0_4.md",
        f"{root}A/Scripts/One.yml",
        f"{root}A/pack_metadata.json",
    ]
    assert b"3.12.13.12042988" in show(git, head, f"{root}A/Scripts/One.yml")
    # What a release note would be called is part of what a pull request is built on.
    assert run_command(["run", *arguments]) == 0
    assert [one["action"] for one in json.loads(capsys.readouterr().out)["pull_requests"]] == ["leave"]
    commit(git, {f"{root}A/ReleaseNotes/1_0_4.md": "taken\n"})
    assert run_command(["run", *arguments]) == 0
    assert [one["action"] for one in json.loads(capsys.readouterr().out)["pull_requests"]] == ["refresh"]
    assert show(git, branches(git)[branch], f"{root}A/ReleaseNotes/1_0_5.md")


def test_settings_of_the_commit_choose_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository, tags = prepare(tmp_path, "x/A", "y/B", settings="content: {root: y/}\n")
    arguments = ["--repo", str(repository), "--tags", tags]
    assert run_command(["plan", *arguments, "--format", "json"]) == 0
    assert [bump["path"] for bump in json.loads(capsys.readouterr().out)["bumps"]] == ["y/B/Scripts/One.yml"]
    assert run_command(["plan", *arguments, "--path", "y/*", "--pack", "B", "--format", "json"]) == 0
    capsys.readouterr()
    assert run_command(["explain", "y/B/Scripts/One.yml", *arguments]) == 0
    assert "plan" in capsys.readouterr().out
    assert run_command(["config", "check", "--repo", str(repository)]) == 0
    assert "root y, 1 pack, 1 item\n" in capsys.readouterr().out
    assert run_command(["plan", *arguments, "--set", "content.root=null"]) == 2
    assert "x (1 pack), y (1 pack); choose one with content.root" in capsys.readouterr().err


def test_config_check_tells_what_is_wrong_with_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    several, _ = prepare(tmp_path, "x/A", "y/B")
    none = make_repository(tmp_path / "none", {"README": "x"}).directory
    assert run_command(["config", "check", "--repo", str(several)]) == 2
    assert "choose one with content.root" in capsys.readouterr().err
    assert run_command(["config", "check", "--repo", str(none)]) == 2
    assert "no Packs folder" in capsys.readouterr().err
    monkeypatch.chdir(none)
    assert run_command(["config", "check"]) == 0  # a settings file may be checked anywhere
    assert "note: . at" in capsys.readouterr().out
    assert run_command(["config", "check", "--set", "content.root=x"]) == 2
    assert "content.root: x is no folder with packs" in capsys.readouterr().err


def test_settings_file_is_named_with_config_like_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yml").write_text("content: {base: main}\n")
    for name in ("check", "show"):
        assert run_command(["config", name, "--config", "s.yml"]) == 0
        with_option = capsys.readouterr().out
        assert run_command(["config", name, "s.yml"]) == 0
        assert capsys.readouterr().out == with_option
        assert "s.yml" in with_option
        assert run_command(["config", name, "s.yml", "--config", "t.yml"]) == 2
        assert "FILE and --config name two files: s.yml and t.yml" in capsys.readouterr().err


@pytest.mark.parametrize("bare", [True, False])
def test_repository_with_sha256_names_works_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bare: bool
) -> None:
    (tmp_path / "r").mkdir()
    git = Git(tmp_path / "r")
    git.run("init", "--quiet", "--object-format=sha256", "--initial-branch", "master", *(["--bare"] * bare))
    repository, tags = prepare(tmp_path, "Packs/A", "Packs/B")
    arguments = ["--repo", str(repository), "--tags", tags, "--format", "json"]
    actions = []
    for _ in range(2):
        assert run_command(["run", *arguments]) == 0
        report = json.loads(capsys.readouterr().out)
        assert len(report["revision"]) == 64
        (made,) = report["pull_requests"]
        actions.append(made["action"])
        ((branch, head),) = branches(git).items()
        assert (made["branch"], made["head"], len(head)) == (branch, head, 64)
    assert actions == ["create", "leave"]
    marker = find_trailer(git.line("log", "-1", "--format=%B", head))
    assert marker is not None
    assert marker.packs == ("A", "B")
    tag = {"demisto/python3": [*TAGS["demisto/python3"], "3.12.14.99999999"]}
    (tmp_path / "tags.json").write_text(json.dumps(tag))
    assert run_command(["run", *arguments]) == 0
    assert [one["action"] for one in json.loads(capsys.readouterr().out)["pull_requests"]] == ["refresh"]
    assert branches(git)[branch] != head


def test_packs_of_private_repositories_are_chosen_by_their_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository, tags = prepare(tmp_path, *(f"Packs/{name}" for name in "ABCD"))
    git = make_repository(repository, {})
    for name, level in (("A", "xsiam"), ("B", "internal"), ("C", "xsoar"), ("D", "")):
        metadata = pack_metadata("1.0.0", support=level) if level else '{"currentVersion": "1.0.0"}'
        commit(git, {f"Packs/{name}/pack_metadata.json": metadata})
    arguments = ["--repo", str(repository), "--tags", tags, "--format", "json"]
    for levels, packs in (("[xsiam, internal]", "AB"), ("[none]", "D"), ("[none, xsoar]", "CD")):
        assert run_command(["plan", *arguments, "--set", f"policy.support={levels}"]) == 0
        assert "".join(bump["pack"] for bump in json.loads(capsys.readouterr().out)["bumps"]) == packs
    wave = "rollout.waves=[{name: own, support: [none, internal]}]"
    assert run_command(["plan", *arguments, "--set", wave]) == 0
    bumps = json.loads(capsys.readouterr().out)["bumps"]
    assert "".join(bump["pack"] for bump in bumps if not bump["waiting"]) == "BD"
