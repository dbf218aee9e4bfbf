"""Passes over items whose images live in several registries, through the command line."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.pull_requests.marker import find_marker
from autobump.support.git import Git
from tests.fixtures.repositories import branches, make_repository, script_pack, show
from tests.fixtures.servers import Reply, Request, serve

IMAGES = {
    "Plain": "demisto/x",
    "Extended": "demistoextended/x",
    "Spelled": "docker.io/demisto/x",
    "Mirror": "gcr.io/xsoar-registry/demisto/x",
    "Corp": "registry.corp/demisto/x",
    "Deep": "registry.corp/docker/acme/x",
    "Stranger": "registry.corp/library/x",
    "Elsewhere": "other.example/demisto/x",
}
NEWEST = {
    "Plain": "1.0.0.20",
    "Extended": "1.0.0.30",
    "Spelled": "1.0.0.20",
    "Mirror": "1.0.0.20",
    "Corp": "2.0.0.40",
    "Deep": "2.0.0.50",
}
HUB = {"demisto/x": ["1.0.0.1", "1.0.0.20"], "demistoextended/x": ["1.0.0.1", "1.0.0.30"]}
CORP = {"demisto/x": ["1.0.0.1", "2.0.0.40"], "docker/acme/x": ["1.0.0.1", "2.0.0.50"]}


@pytest.fixture
def repository(tmp_path: Path) -> Git:
    files: dict[str, str] = {}
    for name, image in IMAGES.items():
        files |= script_pack(name, {name: f"{image}:1.0.0.1"})
    return make_repository(tmp_path / "repository", files)


def corp_registry(request: Request) -> Reply:
    image, _, rest = request.path.removeprefix("/v2/").rpartition(
        "/tags/" if "/tags/" in request.path else "/manifests/"
    )
    if rest == "list" and image in CORP:
        return Reply(body=json.dumps({"tags": CORP[image]}).encode())
    found = image in CORP and request.method == "HEAD"
    return Reply(headers={"Docker-Content-Digest": "sha256:" + "c" * 64}) if found else Reply(404)


def run_json(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    status = run_command([str(argument) for argument in (*arguments, "--format", "json")])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


def hosts(url: str) -> str:
    return f"registry.hosts={{registry.corp: {{source: 'oci:{url}', namespaces: [demisto, docker/acme]}}}}"


def test_each_item_moves_to_a_tag_of_its_own_registry(
    repository: Git, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hub.json").write_text(json.dumps(HUB))
    with serve(corp_registry) as server:
        options: list[str | Path] = [
            "--repo",
            repository.directory,
            "--set",
            f"registry.cache={tmp_path}/cache",
        ]
        options += ["--set", f"registry.source=file:{tmp_path}/hub.json", "--set", hosts(server.url)]
        run = run_json("run", "--forge", "local", *options, capsys=capsys)
        assert {bump["pack"]: bump["target"] for bump in run["bumps"]} == NEWEST
        assert all(bump["image"] == IMAGES[bump["pack"]] for bump in run["bumps"])
        reasons = {skip["pack"]: (skip["reason"], skip["detail"]) for skip in run["skipped"]}
        assert reasons["Stranger"][0] == "untrusted-repository"
        assert reasons["Elsewhere"] == (
            "unknown-registry",
            "there is no source for the tags of other.example; name it in registry.hosts",
        )
        assert len(branches(repository)) == len(run["pull_requests"]) == len(NEWEST)
        for made in run["pull_requests"]:
            marker = find_marker(made["body"])
            assert marker is not None
            (pack,) = marker.packs
            assert (marker.image, made["image"], marker.target) == (IMAGES[pack], IMAGES[pack], NEWEST[pack])
            text = show(repository, made["branch"], f"Packs/{pack}/Scripts/{pack}/{pack}.yml")
            assert f"{IMAGES[pack]}:{NEWEST[pack]}".encode() in text
        again = run_json("run", "--forge", "local", *options, capsys=capsys)
        assert {made["action"] for made in again["pull_requests"]} == {"leave"}
        exported = tmp_path / "exported.json"
        command = ["tags", "--export", str(exported), *map(str, options)]
        assert run_command(command) == 0
    planned = run_json(
        "plan", "--repo", repository.directory, "--tags", f"file:{exported}", "--set", hosts("http://127.0.0.1:1"),
        "--set", f"registry.cache={tmp_path}/other", capsys=capsys,
    )  # fmt: skip
    assert {bump["pack"]: bump["target"] for bump in planned["bumps"]} == NEWEST


def test_packs_at_the_top_images_of_two_registries_and_a_moment_to_wait_for_become_pull_requests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str] = {}
    for name in ("Plain", "Corp"):
        packs = script_pack(name, {name: f"{IMAGES[name]}:1.0.0.1"})
        files |= {path.removeprefix("Packs/"): text for path, text in packs.items()}
    repository = make_repository(tmp_path / "private", files)
    (tmp_path / "hub.json").write_text(json.dumps(HUB))
    asked: list[str] = []

    def busy_at_first(request: Request) -> Reply:
        asked.append(request.path)
        if asked.count(request.path) == 1:
            moment = format_datetime(datetime.now(UTC), usegmt=True)
            return Reply(429, b"submitted too quickly", {"Retry-After": moment})
        return corp_registry(request)

    with serve(busy_at_first) as server:
        run = run_json(
            "run", "--forge", "local", "--repo", repository.directory,
            "--set", f"registry.source=file:{tmp_path}/hub.json", "--set", hosts(server.url),
            "--set", f"registry.cache={tmp_path}/cache",
            capsys=capsys,
        )  # fmt: skip
    assert {(pr["action"], pr["image"], pr["target"]) for pr in run["pull_requests"]} == {
        ("create", IMAGES[name], NEWEST[name]) for name in ("Corp", "Plain")
    }
    for pr in run["pull_requests"]:
        (path,) = pr["paths"]
        assert f"{pr['image']}:{pr['target']}" in show(repository, pr["branch"], path).decode()
        assert not path.startswith("Packs/")
    assert asked.count("/v2/demisto/x/tags/list") == 2


def test_docker_hub_tags_are_never_those_of_another_registry(
    repository: Git, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tag in ("1.0.0.1", "1.0.0.20"):
        page = tmp_path / "pages" / "demisto" / "x" / f"{tag}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("# page\n")
    planned = run_json(
        "plan", "--repo", repository.directory, "--tags", f"dockerfiles-info:{tmp_path}/pages", "--set",
        "registry.namespaces=[demisto, registry.corp/demisto]", "--set",
        f"registry.cache={tmp_path}/cache", capsys=capsys,
    )  # fmt: skip
    assert {bump["pack"] for bump in planned["bumps"]} == {"Plain", "Spelled", "Mirror"}
    details = {
        skip["pack"]: skip["detail"] for skip in planned["skipped"] if skip["reason"] == "unknown-registry"
    }
    assert set(details) == {"Corp", "Deep", "Stranger", "Elsewhere"}
    assert "registry.namespaces trusts registry.corp, but" in details["Corp"]
    assert all("registry.hosts" in detail for detail in details.values())


@pytest.mark.parametrize(
    "image", ["docker.io/demisto/x", "gcr.io/xsoar-registry/demisto/x", "registry.corp/demisto/x"]
)
def test_settings_and_filters_find_an_image_by_its_name_without_a_registry(
    image: str, repository: Git, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = next(name for name, each in IMAGES.items() if each == image)
    (tmp_path / "tags.json").write_text(json.dumps(HUB))
    options: list[str | Path] = [
        "--repo",
        repository.directory,
        "--tags",
        f"file:{tmp_path}/tags.json",
        "--set",
    ]
    options += ["registry.namespaces=[demisto, registry.corp/demisto]"]

    def bumps(*more: str) -> set[str]:
        plan = run_json("plan", *options, "--set", f"registry.cache={tmp_path}/cache", *more, capsys=capsys)
        return {bump["pack"] for bump in plan["bumps"]}

    assert pack in bumps()
    assert bumps("--image", image) == {pack}
    assert pack in bumps("--image", "demisto/x")
    for name in (image, "demisto/x"):
        assert pack not in bumps("--set", f"policy.exclude_images=['{name}']")
        assert pack not in bumps(
            "--set", f"policy.holds=[{{reason: r, images: ['{name}'], max_tag: 1.0.0.1}}]"
        )


def test_tags_and_diff_take_images_with_a_registry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {tag: {"python": f"3.{tag[-1]}.1"} for tag in ("1.0.0.1", "1.0.0.2")}
    file = tmp_path / "tags.json"
    file.write_text(json.dumps({"demisto/x": facts, "registry.corp/acme/y": {"1.0.0.9": {}}}))
    given = ["--set", f"registry.cache={tmp_path}/cache", "--set", f"registry.source=file:{file}"]
    assert run_command(["tags", "gcr.io/xsoar-registry/demisto/x:1.0.0.1", *given]) == 0
    assert "* 1.0.0.2" in capsys.readouterr().out
    assert run_command(["tags", "registry.corp/acme/y", *given]) == 0
    assert "* 1.0.0.9" in capsys.readouterr().out
    assert run_command(["diff", "docker.io/demisto/x", "1.0.0.1", "1.0.0.2", *given, "--format", "json"]) == 0
    assert '"3.2.1"' in capsys.readouterr().out
    page = tmp_path / "pages/demisto/x/1.0.0.1.md"
    page.parent.mkdir(parents=True)
    page.touch()
    assert run_command(["tags", "registry.corp/acme/y", "--tags", f"dockerfiles-info:{tmp_path}/pages"]) == 2
    assert "name it in registry.hosts" in capsys.readouterr().err
