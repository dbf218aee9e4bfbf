"""Passes over the real content repository against a real registry, and against a faulty Docker Hub."""

import json
import lzma
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.images.sources import docker_hub
from autobump.support.http import client as http
from tests.fixtures.hub import HubStandIn
from tests.fixtures.registry import Registry, load_tags, run_registry
from tests.fixtures.repositories import branches, make_repository, script_pack
from tests.fixtures.servers import Reply, Request, serve

TRAPS = [
    "demisto/fastapi",
    "demisto/parse-emails",
    "demisto/splunksdk",
    "demisto/fasttext",
    "demisto/python3",
]


def run_json(tmp_path: Path, *arguments: str | Path, status: int = 0) -> Any:
    output = tmp_path / "report.json"
    command = [str(argument) for argument in (*arguments, "--format", "json", "--output", output)]
    assert run_command(command) == status
    return json.loads(output.read_text())


@pytest.fixture(scope="module")
def images(corpus: Path) -> dict[str, dict[str, Any]]:
    """Return the tags of 40 images, the traps of version order among them."""
    everything = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    others = [name for name in sorted(everything) if name not in TRAPS][20:55]
    return {name: everything[name] for name in [*TRAPS, *others]}


@pytest.fixture(scope="module")
def registry(
    tmp_path_factory: pytest.TempPathFactory, images: dict[str, dict[str, Any]]
) -> Iterator[Registry]:
    with run_registry(tmp_path_factory.mktemp("registry")) as running:
        load_tags(running, images)
        yield running


@pytest.mark.corpus
def test_plan_against_a_registry_chooses_as_from_the_file_with_one_request_an_image(
    tmp_path: Path, registry: Registry, images: dict[str, Any], corpus: Path, corpus_repository: Path
) -> None:
    config = tmp_path / "settings.yml"
    facts = corpus / "images-2026-05.json.xz"
    config.write_text(f"registry: {{cache: '{tmp_path}/cache', facts: 'file:{facts}'}}\n")
    options: list[str | Path] = ["plan", "--repo", corpus_repository, "--config", config]
    everything = run_json(tmp_path, *options, "--tags", f"file:{corpus / 'images-2026-05.json.xz'}")
    used = {bump["image"] for bump in everything["bumps"]} & images.keys()
    options += [part for image in sorted(used) for part in ("--image", image)]
    assert len(used) >= 20
    assert used >= {"demisto/fastapi", "demisto/python3", "demisto/parse-emails"}
    expected = run_json(tmp_path, *options, "--tags", f"file:{corpus / 'images-2026-05.json.xz'}")

    registry.forget()
    cold = run_json(tmp_path, *options, "--tags", f"oci:{registry.url}")
    assert cold == expected
    counts = Counter(registry.requests())
    lists = {path: number for (_, path), number in counts.items() if "/tags/list" in path}
    assert set(lists.values()) == {1}
    assert len(lists) == len({bump["image"] for bump in cold["bumps"]} | used)
    assert len(counts) == len(lists)

    registry.forget()
    warm = run_json(tmp_path, *options, "--tags", f"oci:{registry.url}")
    assert warm == expected
    assert registry.requests() == []


@pytest.mark.corpus
def test_run_checks_the_manifests_of_its_targets_and_no_others(
    tmp_path: Path, registry: Registry, images: dict[str, Any]
) -> None:
    traps = {name.partition("/")[2]: f"{name}:1.0.0.1" for name in TRAPS}
    files: dict[str, str] = {}
    for name, image in traps.items():
        files |= script_pack(name, {"Item": image})
    git = make_repository(tmp_path / "r", files)
    registry.forget()
    report = run_json(tmp_path, "run", "--repo", git.directory, "--tags", f"oci:{registry.url}", "--refresh")
    targets = {(pr["image"], pr["target"]) for pr in report["pull_requests"]}
    assert len(targets) == len(TRAPS)
    manifests = [(method, path) for method, path in registry.requests() if "/manifests/" in path]
    assert sorted(manifests) == sorted(("HEAD", f"/v2/{image}/manifests/{tag}") for image, tag in targets)
    assert all("`sha256:" in pr["body"] for pr in report["pull_requests"])


def always(reply: Reply) -> Callable[[Request], Reply]:
    return lambda _: reply


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make giving up quick, without changing what is given up."""
    limits = http.HttpLimits(
        idle_seconds=1, answer_seconds=1, answer_bytes=1 << 20, attempts=2, total_wait_seconds=0
    )
    monkeypatch.setattr(http, "HttpLimits", lambda **_: limits)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, b'{"detail": "Rate limit exceeded"}', {"Retry-After": "900"}),
        Reply(500),
        Reply(body=b'{"next": null, "results": [{'),
        Reply(body=b'{"results": 1}'),
        Reply(302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
        Reply(body=b"x" * 1024, repeat=50 * 1024),
        Reply(body=b"x" * (1 << 17), drip_seconds=0.00005),
    ],
    ids=["rate limit", "error", "truncated", "wrong types", "redirect elsewhere", "flood", "drip"],
)
def test_one_failing_image_ends_in_its_rows_and_the_pass_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None, reply: Reply
) -> None:
    facts = {"1.0.0.9": {"created": "2026-01-01T00:00:00Z", "digest": "sha256:" + "a" * 64}}
    hub = HubStandIn(
        {"good": facts, "bad": facts}, replies={"/v2/namespaces/demisto/repositories/bad/tags": [reply]}
    )
    files = script_pack("A", {"One": "demisto/bad:1.0.0.1"}) | script_pack(
        "B", {"Two": "demisto/good:1.0.0.1"}
    )
    files |= script_pack("C", {"Three": "demisto/none:1.0.0.1"})
    git = make_repository(tmp_path / "r", files)
    with serve(hub.answer) as server:
        monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
        report = run_json(tmp_path, "run", "--repo", git.directory, "--tags", "dockerhub", status=1)
    assert [(row["path"], row["reason"]) for row in report["problems"]] == [
        ("Packs/A/Scripts/One/One.yml", "tags-unavailable")
    ]
    assert [row["reason"] for row in report["skipped"]] == ["image-not-found"]
    assert [pr["packs"] for pr in report["pull_requests"]] == [["B"]]
    assert report["pull_requests"][0]["head"]


def test_registry_that_knows_no_image_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git = make_repository(
        tmp_path / "r", script_pack("A", {"S": "demisto/a:1.0.0.1", "T": "demisto/b:1.0.0.1"})
    )
    with serve(HubStandIn({}).answer) as server:
        monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
        for source in ("dockerhub", f"oci:{server.url}"):
            assert run_command(["run", "--repo", str(git.directory), "--tags", source]) == 1
            out, err = capsys.readouterr()
            assert out == ""
            assert "does not know any of the 2 images asked for, so nothing is decided" in err
            assert err.endswith(f"registry.source or --tags says {source}\n")


@pytest.mark.parametrize("fault", ["tags", "manifest of a newer target"])
def test_registry_that_fails_takes_back_no_pull_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None, fault: str
) -> None:
    facts = {"1.0.0.2": {"created": "2026-01-01T00:00:00Z", "digest": "sha256:" + "a" * 64}}
    hub = HubStandIn({"x": facts})
    git = make_repository(tmp_path / "r", script_pack("A", {"One": "demisto/x:1.0.0.1"}))
    options: list[str | Path] = ["run", "--repo", git.directory, "--tags", "dockerhub", "--refresh"]
    with serve(hub.answer) as server:
        monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
        assert [pr["action"] for pr in run_json(tmp_path, *options)["pull_requests"]] == ["create"]
        before = branches(git)
        if fault == "tags":
            hub.replies = {"/v2/namespaces/demisto/repositories/x/tags": [Reply(500)]}
        else:
            hub.images["x"] |= {"1.0.0.3": {"created": "2026-01-02T00:00:00Z"}}
            hub.replies = {"/v2/namespaces/demisto/repositories/x/tags/1.0.0.3": [Reply(500)]}
        report = run_json(tmp_path, *options, status=1)
        assert [row["reason"] for row in report["problems"]] == ["tags-unavailable"]
        assert report["pull_requests"] == []
        assert branches(git) == before
        hub.replies = {}
        hub.images["x"] = {tag: {**facts["1.0.0.2"], **known} for tag, known in hub.images["x"].items()}
        (after,) = run_json(tmp_path, *options)["pull_requests"]
        assert after["action"] == ("leave" if fault == "tags" else "refresh")


def test_target_without_a_manifest_is_a_problem_and_no_pull_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    hub = HubStandIn(
        {
            "x": {"1.0.0.9": {"created": "2026-01-01T00:00:00Z"}},
            "y": {"1.0.0.9": {"digest": "sha256:" + "a" * 64}},
        }
    )
    path = "/v2/namespaces/demisto/repositories/x/tags/1.0.0.9"
    hub.replies[path] = [Reply(404)]
    files = script_pack("A", {"One": "demisto/x:1.0.0.1"}) | script_pack("B", {"Two": "demisto/y:1.0.0.1"})
    git = make_repository(tmp_path / "r", files)
    with serve(hub.answer) as server:
        monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
        report = run_json(tmp_path, "run", "--repo", git.directory, "--tags", "dockerhub", status=1)
    assert [row["reason"] for row in report["problems"]] == ["tags-unavailable"]
    assert [pr["packs"] for pr in report["pull_requests"]] == [["B"]]


@pytest.mark.parametrize("kind", ["dockerhub", "oci"])
def test_tag_that_was_withdrawn_is_told_once_and_then_another_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None, kind: str
) -> None:
    tags = {f"1.0.0.{n}": {"created": "2026-01-01T00:00:00Z", "digest": f"sha256:{n:064}"} for n in (1, 2, 3)}
    hub = HubStandIn({"x": tags})

    def answer(request: Request) -> Reply:
        match request.path.removeprefix("/v2/demisto/x/").split("/"):
            case ["tags", "list"]:
                return Reply(body=json.dumps({"tags": list(tags)}).encode())
            case ["manifests", tag]:
                return (
                    Reply(headers={"Docker-Content-Digest": tags[tag]["digest"]})
                    if tag in tags
                    else Reply(404)
                )
        return hub.answer(request)

    git = make_repository(tmp_path / "r", script_pack("A", {"One": "demisto/x:1.0.0.1"}))
    with serve(answer) as server:
        monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
        source = kind if kind == "dockerhub" else f"oci:{server.url}"
        options: list[str | Path] = ["--repo", git.directory, "--tags", source]
        assert [bump["target"] for bump in run_json(tmp_path, "plan", *options)["bumps"]] == ["1.0.0.3"]
        del tags["1.0.0.3"]
        report = run_json(tmp_path, "run", *options, status=1)
        assert [row["reason"] for row in report["problems"]] == ["tags-unavailable"]
        assert report["pull_requests"] == []
        (pr,) = run_json(tmp_path, "run", *options)["pull_requests"]
        assert pr["target"] == "1.0.0.2"
        assert tags["1.0.0.2"]["digest"] in pr["body"]


def test_no_secret_is_ever_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], quick: None
) -> None:
    marked = "MARKED-SECRET-7f3a"
    for name in (
        "DOCKERHUB_TOKEN",
        "AUTOBUMP_REGISTRY_PASSWORD",
        "AUTOBUMP_REGISTRY_TOKEN",
        "GITHUB_TOKEN",
    ):
        monkeypatch.setenv(name, marked)
    monkeypatch.setenv("DOCKERHUB_USERNAME", "me")
    monkeypatch.setenv("AUTOBUMP_REGISTRY_USERNAME", "me")
    git = make_repository(tmp_path / "r", script_pack("A", {"One": "demisto/x:1.0.0.1"}))
    config = tmp_path / "settings.yml"
    config.write_text(f"registry: {{cache: '{tmp_path}/cache'}}\n")
    challenge = {"WWW-Authenticate": 'Bearer realm="/token",service="s"'}
    faults = [
        Reply(401, headers=challenge), Reply(401, headers={"WWW-Authenticate": "Basic x"}), Reply(403),
        Reply(404), Reply(429), Reply(500), Reply(hang_up=True), Reply(body=b"{"),
        Reply(body=b'{"token": 5}'), Reply(302, headers={"Location": "ftp://x/"}),
        Reply(body=b"x" * 1024, repeat=2048),
        Reply(body=b'{"access_token": "' + marked.encode() + b'", "tags": ["1.0.0.9"], "results": []}'),
    ]  # fmt: skip
    for reply in faults:
        with serve(always(reply)) as server:
            monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
            for source in ("dockerhub", f"oci:{server.url}"):
                options = ["--repo", str(git.directory), "--config", str(config), "--tags", source]
                assert run_command(["-vv", "run", *options]) in (0, 1)
                assert run_command(["-vv", "tags", "demisto/x", *options[2:]]) in (0, 1, 2)
            assert any(marked in str(request) for request in server.requests)  # it was really in use
    written = "".join(capfd.readouterr())
    assert "waiting" in written or "answered" in written
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.stat().st_size < 1 << 20:
            written += file.read_bytes().decode("latin-1")
    assert marked not in written
