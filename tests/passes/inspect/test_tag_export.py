"""A pass from an exported file judges as one against the source it was exported from."""

import json
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.images.sources import docker_hub, open_tag_source
from tests.fixtures.hub import HubStandIn
from tests.fixtures.pages import make_page
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.servers import Reply, Request, Server, serve

DIGEST = "sha256:" + "b" * 64
SOUP = {"packages": {"beautifulsoup4": ["4.1", "MIT"]}, "python": "3.10.1"}
NO_SOUP: dict[str, Any] = {"packages": {}, "python": "3.10.1"}


class Bench:
    """A repository, and the commands over it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.exported = folder / "exported.json"
        self._capsys = capsys
        files = script_pack("A", {"AOne": "demisto/x:1.0.0.1"}) | script_pack(
            "B", {"BOne": "demisto/none:1.0.0.1"}
        )
        files |= {"Packs/A/Scripts/AOne/AOne.py": "import bs4\n"}
        self.repository = make_repository(folder / "repository", files).directory

    def write_tags(self, tags: dict[str, Any]) -> str:
        path = self.folder / "tags.json"
        path.write_text(json.dumps({"demisto/x": tags}))
        return f"file:{path}"

    def export(self, source: str, *more: str, status: int = 0) -> dict[str, Any]:
        self.exported.unlink(missing_ok=True)
        command = ["tags", "--export", str(self.exported), "--repo", str(self.repository), "--tags", source]
        assert run_command([*command, "--set", f"registry.cache={self.folder}/cache", *more]) == status
        if status:
            assert not self.exported.exists()
            return {}
        exported: dict[str, Any] = json.loads(self.exported.read_text())
        return exported

    def plan(self, source: str, *more: str) -> Any:
        self._capsys.readouterr()
        # With a cache of its own, so that nothing is known but what the source tells.
        cache = f"registry.cache={self.folder}/cache of {Path(source).name}"
        command = [
            "plan",
            "--repo",
            str(self.repository),
            "--tags",
            source,
            "--format",
            "json",
            "--set",
            cache,
        ]
        assert run_command([*command, *more]) == 0
        return json.loads(self._capsys.readouterr().out)

    def plan_exported(self, *more: str) -> Any:
        return self.plan(f"file:{self.exported}", *more)


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def levels(plan: Any) -> list[tuple[str, str]]:
    return [(bump["target"], bump["risk"]["level"]) for bump in plan["bumps"]]


def test_risk_is_told_from_the_file_as_from_its_source(bench: Bench) -> None:
    source = bench.write_tags({"1.0.0.1": SOUP, "1.0.0.2": NO_SOUP})
    bench.export(source)
    plan = bench.plan_exported()
    assert levels(plan) == [("1.0.0.2", "breaking")]
    assert "autobump:breaking" in plan["pull_requests"][0]["labels"]
    assert plan == bench.plan(source)


def test_only_tags_that_items_are_on_or_move_to_come_with_what_is_inside(bench: Bench) -> None:
    tags = {f"1.0.0.{number}": SOUP for number in (1, 2, 3)}
    exported = bench.export(bench.write_tags(tags))["demisto/x"]
    assert [tag for tag, facts in exported.items() if "packages" in facts] == ["1.0.0.1", "1.0.0.3"]
    assert list(exported) == list(tags)


def test_image_that_is_not_there_is_left_out_and_stays_not_found(bench: Bench) -> None:
    source = bench.write_tags({"1.0.0.1": SOUP, "1.0.0.2": SOUP})
    assert list(bench.export(source)) == ["demisto/x"]
    (skip,) = bench.plan_exported()["skipped"]
    assert skip["reason"] == "image-not-found"


def test_tag_in_use_that_was_withdrawn_tells_its_inside_and_is_no_tag(bench: Bench, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"demisto/x": {"1.0.0.1": SOUP, "1.0.0.2": NO_SOUP}}))
    source = bench.write_tags({"1.0.0.2": {}})
    exported = bench.export(source, "--set", f"registry.facts=file:{facts}")
    assert exported["demisto/x"]["1.0.0.1"]["withdrawn"] is True
    assert levels(bench.plan_exported()) == [("1.0.0.2", "breaking")]
    (tag,) = open_tag_source(f"file:{bench.exported}").fetch_tags("demisto/x")
    assert tag.name == "1.0.0.2"


def test_hold_on_a_python_is_kept_without_asking_anybody(bench: Bench) -> None:
    tags = {f"1.0.0.{number}": SOUP | {"python": f"3.{9 + number}.1"} for number in (1, 2, 3, 4)}
    source = bench.write_tags(tags)
    hold = 'policy.holds=[{reason: Later., images: [demisto/x], python: "3.11"}]'
    bench.export(source, "--set", hold)
    plan = bench.plan_exported("--set", hold)
    assert [bump["target"] for bump in plan["bumps"]] == ["1.0.0.2"]
    assert plan == bench.plan(source, "--set", hold)


class HubWithPages:
    """Docker Hub and a clone of the image pages."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tags = {f"1.0.0.{n}": {"created": f"2026-01-0{n}T00:00:00Z", "digest": DIGEST} for n in (1, 2)}
        self.hub = HubStandIn({"x": self.tags})
        self._monkeypatch = monkeypatch
        for tag, packages in (("1.0.0.1", {"beautifulsoup4": ("4.1", "MIT")}), ("1.0.0.2", {})):
            page = folder / f"pages/demisto/x/{tag}.md"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(make_page("demisto/x", tag, created="2025-12-01T00:00:00Z", packages=packages))
        self.facts = ("--set", f"registry.facts=dockerfiles-info:{folder / 'pages'}")

    def stand_behind(self, server: Server) -> None:
        self._monkeypatch.setattr(docker_hub, "BASE_URL", server.url)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubWithPages:
    return HubWithPages(tmp_path, monkeypatch)


def test_export_of_docker_hub_needs_nobody_any_more(bench: Bench, published: HubWithPages) -> None:
    with serve(published.hub.answer) as server:
        published.stand_behind(server)
        exported = bench.export("dockerhub", *published.facts)
        direct = bench.plan("dockerhub", *published.facts)
    assert exported["demisto/x"]["1.0.0.2"]["created"] == "2026-01-02T00:00:00+00:00", "as the Hub says"
    offline = bench.plan_exported()
    assert levels(offline) == levels(direct) == [("1.0.0.2", "breaking")]
    assert offline["pull_requests"] == direct["pull_requests"]
    assert [skip["reason"] for skip in offline["skipped"]] == [skip["reason"] for skip in direct["skipped"]]


def test_nothing_is_written_when_an_image_cannot_be_asked_for(bench: Bench, published: HubWithPages) -> None:
    published.hub.replies = {"/v2/namespaces/demisto/repositories/x/tags": [Reply(403)]}
    with serve(published.hub.answer) as server:
        published.stand_behind(server)
        bench.export("dockerhub", *published.facts, status=1)


def test_target_that_was_withdrawn_is_not_handed_on(bench: Bench, published: HubWithPages) -> None:
    with serve(published.hub.answer) as server:
        published.stand_behind(server)
        published.tags["1.0.0.3"] = {"created": "2026-01-02T00:00:00Z", "digest": DIGEST}
        bench.export("dockerhub", *published.facts)
        del published.tags["1.0.0.3"]
        bench.export("dockerhub", *published.facts, status=1)
        assert list(bench.export("dockerhub", *published.facts)["demisto/x"]) == ["1.0.0.1", "1.0.0.2"]


def test_dates_and_digests_that_a_registry_tells_one_by_one_are_handed_on(bench: Bench) -> None:
    created = {"1.0.0.1": "2020-01-01", "1.0.0.2": "2021-01-01", "1.0.0.3": "2999-01-01"}

    def answer(request: Request) -> Reply:
        match request.path.removeprefix("/v2/demisto/x/").split("/"):
            case ["tags", "list"]:
                return Reply(body=json.dumps({"tags": list(created)}).encode())
            case ["manifests", tag]:
                when = {"org.opencontainers.image.created": f"{created[tag]}T00:00:00Z"}
                body = b"" if request.method == "HEAD" else json.dumps({"annotations": when}).encode()
                return Reply(body=body, headers={"Docker-Content-Digest": DIGEST})
        return Reply(404)

    old_enough = ("--set", "registry.min_age=3 days")
    with serve(answer) as server:
        exported = bench.export(f"oci:{server.url}", *old_enough)
    assert exported["demisto/x"]["1.0.0.2"] == {"created": "2021-01-01T00:00:00+00:00", "digest": DIGEST}
    assert [bump["target"] for bump in bench.plan_exported(*old_enough)["bumps"]] == ["1.0.0.2"]


def test_named_images_come_without_what_is_inside_and_that_is_told(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    source = bench.write_tags({"1.0.0.1": SOUP})
    bench.exported.unlink(missing_ok=True)
    assert run_command(["tags", "demisto/x", "--export", str(bench.exported), "--tags", source]) == 0
    assert "without what is inside" in capsys.readouterr().err
    assert json.loads(bench.exported.read_text()) == {"demisto/x": {"1.0.0.1": {}}}


@pytest.mark.corpus
def test_export_of_real_images_gives_the_same_plan(
    tmp_path: Path, corpus: Path, corpus_repository: Path
) -> None:
    exported = tmp_path / "exported.json"
    options = ["--repo", str(corpus_repository), "--set", f"registry.cache={tmp_path}/cache"]
    source = f"file:{corpus / 'images-2026-05.json.xz'}"
    assert run_command(["tags", "--export", str(exported), "--tags", source, *options]) == 0
    options += ["--set", "pull_requests.max_open=1000", "--set", "pull_requests.max_new_per_run=1000"]
    plans = []
    for tags in (source, f"file:{exported}"):
        output = tmp_path / "plan.json"
        command = ["plan", "--tags", tags, "--format", "json", "--output", str(output), *options]
        assert run_command(command) == 0
        plans.append(output.read_text())
    assert plans[0] == plans[1]
