"""`autobump schedule` as a process of its own, against the stand-in for GitHub and a registry."""

import json
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from tests.fixtures.github import GitHubStandIn, standing_in
from tests.fixtures.repositories import commit, script_pack
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.service import Service, run_service

OLD = "1.0.0.1"
EVERY_SECOND = "* * * * * *"


class RegistryStandIn:
    """A registry whose images have the tags of a dictionary, and which can be broken."""

    def __init__(self) -> None:
        self.tags: dict[str, list[str]] = {}
        self.broken = False

    def publish(self, tag: str) -> None:
        """Give every image one more tag."""
        for name in ("x", "y", "z"):
            self.tags.setdefault(f"demisto/{name}", [OLD]).append(tag)

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if self.broken:
            return Reply(503, headers={"Retry-After": "0"})
        match = re.fullmatch(r"/v2/(demisto/\w+)/(tags|manifests)/([\w.]+)", request.path)
        if match is None or match[1] not in self.tags:
            return Reply(404)
        if match[2] == "tags":
            return Reply(body=json.dumps({"name": match[1], "tags": self.tags[match[1]]}).encode())
        known = match[3] in self.tags[match[1]]
        digest = f"sha256:{match[3].encode().hex():0>64}"
        return Reply(200 if known else 404, headers={"Docker-Content-Digest": digest})


class World:
    """A repository on GitHub, a registry, settings, and services over them.

    Attributes:
        calls: Token and path of each call to GitHub, in order.
        at: What to do once, when the next call comes whose method and path match the expression.
    """

    def __init__(self, folder: Path, github: GitHubStandIn) -> None:
        self.folder = folder
        self.github = github
        self.registry = RegistryStandIn()
        self.registry.publish("1.0.0.2")
        self.registry_url = ""
        self.config = folder / "settings.yml"
        self.calls: list[tuple[str, str]] = []
        self.at: tuple[str, Any] | None = None
        github.before = self._before
        self.configure(exclude_images=["demisto/z"])

    def configure(self, cron: str = EVERY_SECOND, **policy: object) -> None:
        """Write the settings."""
        settings = {
            "registry": {"cache": str(self.folder / "cache")},
            "policy": policy,
            "pull_requests": {"write_pause": "0 seconds"},
            "schedule": {"cron": cron, "listen": "127.0.0.1:0"},
        }
        self.config.write_text(json.dumps(settings))

    def options(self, github: GitHubStandIn) -> list[str]:
        """Return the options of a pass over a GitHub."""
        options = ["--forge", "github", "--repo", str(github.git.directory), "--rev", "master"]
        return [*options, "--config", str(self.config), "--tags", f"oci:{self.registry_url}", "--refresh"]

    def start(self, token: str = "bot-token", *, now: bool = True) -> AbstractContextManager[Service]:  # noqa: S107 - of the stand-in only
        """Start a service."""
        return run_service([*self.options(self.github), *(["--now"] if now else [])], GITHUB_TOKEN=token)

    def titles(self) -> list[str]:
        """Return the titles of the open pull requests."""
        return sorted(pull.title for pull in self.github.open_pulls())

    def _before(self, request: Request) -> Reply | None:
        call = f"{request.method} {request.path}"
        self.calls.append((request.headers.get("authorization", ""), call))
        if self.at is not None and re.search(self.at[0], call):
            action, self.at = self.at[1], None
            reply: Reply | None = action()
            return reply
        return None


class Hold:
    """Holds up the call that meets it."""

    def __init__(self) -> None:
        self.met = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> None:
        self.met.set()
        assert self.go_on.wait(60)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    files: dict[str, str | bytes] = {}
    for pack, image in (("A", "x"), ("B", "x"), ("C", "y"), ("D", "z")):
        files |= script_pack(pack, {f"{pack}One": f"demisto/{image}:{OLD}"})
    github = standing_in(tmp_path / "github", files)
    github.tokens["twin-token"] = "content-bot"
    world = World(tmp_path, github)
    with serve(github.answer) as server, serve(world.registry.answer) as registry:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        world.registry_url = registry.url
        yield world


def numberless(github: GitHubStandIn) -> Any:
    """Return the state without what depends on the order in which things were made."""
    *pulls, branches = github.state()
    return sorted(pull[1:] for pull in pulls), branches


def test_life_of_a_service_ends_with_the_pull_requests_of_one_clean_pass(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    calm = world.github.copy(tmp_path / "calm")

    with world.start() as killed:

        def kill() -> Reply:
            killed.process.kill()
            return Reply(hang_up=True)

        world.at = r"POST .*/pulls$", kill
        assert killed.end() == -signal.SIGKILL
    assert world.github.pulls == []

    with world.start() as service:
        passes = "pass finished"
        service.wait_for("pull request", action="adopt")
        service.wait_for(passes, 5)
        early = service.resident_kib()
        files = service.open_files()
        assert world.titles() == [
            "Update demisto/x to 1.0.0.2 (2 packs)",
            "Update demisto/y to 1.0.0.2 (1 pack)",
        ]

        check_that_nobody_else_gets_in(world, service, capfd)
        check_that_a_broken_registry_is_outlived(world, service)
        check_that_settings_are_reloaded(world, service)

        service.wait_for(passes, 20)
        assert service.metric("autobump_bumps") == 4
        assert service.metric('autobump_pull_requests_total{action="create"}') == 2
        assert service.metric("autobump_github_calls_total") > 20 * 5
        assert 4_000 < service.metric("autobump_github_rate_limit_remaining") < 5_000
        assert service.metric("autobump_registry_requests_total") > 20 * 2
        assert service.resident_kib() <= early * 1.1
        assert service.open_files() <= files + 2

        world.registry.publish("1.0.0.3")

        def stop() -> None:
            service.process.send_signal(signal.SIGTERM)
            service.wait_for("stopping")

        world.at = r"POST .*/git/trees$", stop
        assert service.end() == 0
        assert service.select("stopped")
        assert not [line for line in service.lines if line["message"].startswith("no JSON")]
    assert len([title for title in world.titles() if "1.0.0.3" in title]) == 1

    with world.start() as last:
        last.wait_for("pull request", 2, action="refresh")
        last.wait_for(passes, failed=False)
        last.process.send_signal(signal.SIGINT)
        assert last.end() == 130

    check_that_no_two_passes_overlap(world)
    expected = numberless(world.github)
    with serve(calm.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        assert run_command(["run", *world.options(calm)]) == 0
    assert len(calm.pulls) == 3
    assert expected == numberless(calm)


def test_second_interrupt_ends_at_once(world: World) -> None:
    hold = Hold()
    world.at = r"GET .*/pulls$", hold
    with world.start() as service:
        assert hold.met.wait(60)
        service.process.send_signal(signal.SIGINT)
        service.wait_for("waiting for the pass under way; a second Ctrl-C ends it at once")
        assert service.get("/healthz").json()["running_since"]
        service.process.send_signal(signal.SIGINT)
        service.wait_for("interrupted")
        assert service.end() == 130
        assert not service.select("stopped")
        hold.go_on.set()


def test_settings_of_the_repository_count_with_every_pass(world: World) -> None:
    own = {"policy": {"exclude_images": ["demisto/*"]}, "pull_requests": {"write_pause": "0 seconds"}}
    own |= {"schedule": {"cron": EVERY_SECOND, "listen": "127.0.0.1:0"}}
    path = ".github/autobump.yml"
    commit(world.github.git, {path: json.dumps(own)})
    options = world.options(world.github)
    del options[options.index("--config") : options.index("--config") + 2]
    with run_service(options) as service:
        service.wait_for("pass finished", skipped=4)
        commit(world.github.git, {path: json.dumps(own | {"policy": {"exclude_images": ["demisto/x"]}})})
        service.wait_for("pull request", action="create", image="demisto/y")
        commit(world.github.git, {path: "policy: {exclude: []}"})
        failed = service.wait_for("pass failed", 2)
        assert failed["cause"].startswith(".github/autobump.yml:1:10: policy.exclude: unknown key")
        service.wait_for("run left out", reason="backing-off")
        assert service.get("/healthz").status_code == 503
        commit(world.github.git, {path: json.dumps(own)})
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("settings reloaded")
        service.wait_for_next("pass finished", skipped=4)
        service.wait_for_health(200)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("schedule: {cron: never}", "schedule.cron"),
        ("schedule: {listen: '203.0.113.1:1'}", "cannot listen on 203.0.113.1:1"),
    ],
)
def test_wrong_settings_end_the_command_before_it_begins(
    world: World, capsys: pytest.CaptureFixture[str], settings: str, message: str
) -> None:
    world.config.write_text(settings)
    assert run_command(["schedule", *world.options(world.github)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert sum(": info: " not in line for line in err.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Reply(401, body=b'{"message": "Bad credentials"}'), "GitHub does not accept the token"),
        (Reply(403, body=b'{"message": "no"}'), "the token has no permission for it"),
        (Reply(404, body=b'{"message": "Not Found"}'), "GitHub says it is not there"),
    ],
)
def test_forge_that_refuses_ends_the_command_before_it_begins(
    world: World, capsys: pytest.CaptureFixture[str], answer: Reply, message: str
) -> None:
    world.at = r"GET .*/git/ref/heads/", lambda: answer
    assert run_command(["schedule", *world.options(world.github)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert sum(": info: " not in line for line in err.splitlines()) == 1
    assert all("GET" in call for _, call in world.calls)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tags", "file:/none.json"), "cannot read the tags in /none.json"),
        (("--tags", "pigeon"), "'pigeon' is no tag source"),
        (("--set", "content.root=none"), "content.root: none is no folder with packs"),
        (("--set", "content.base=gone"), "GitHub says it is not there"),
    ],
)
def test_what_a_pass_cannot_read_ends_the_command_before_it_begins(
    world: World, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert run_command(["schedule", *world.options(world.github), *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert sum(": info: " not in line for line in err.splitlines()) == 1


def test_service_of_several_checks_each_of_them(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = str(world.github.git.directory)
    listed = [
        {"repository": "demisto/content", "path": here},
        {"repository": "acme/none", "path": here},
    ]
    world.config.write_text(json.dumps({"repositories": listed}))
    monkeypatch.chdir(tmp_path)
    options = ["--forge", "github", "--config", str(world.config), "--tags", f"oci:{world.registry_url}"]
    assert run_command(["schedule", *options]) == 2
    assert "acme/none" in capsys.readouterr().err
    monkeypatch.delenv("GITHUB_TOKEN")
    assert run_command(["schedule", *options]) == 2
    assert "set GITHUB_TOKEN" in capsys.readouterr().err


def test_outage_of_the_forge_is_waited_for(world: World) -> None:
    down = threading.Event()
    down.set()
    world.github.before = lambda _: Reply(502) if down.is_set() else None
    with world.start() as service:
        told = service.wait_for("the forge does not answer now; passes are made when they are due")
        assert told["repository"] == "demisto/content"
        service.wait_for("schedule started")
        down.clear()
        service.wait_for("pass finished", failed=False)


def check_that_nobody_else_gets_in(world: World, service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    """Hold a pass up in its middle, and try to make another one; then let both services compete."""
    hold = Hold()
    world.at = r"GET .*/pulls$", hold
    assert hold.met.wait(60)
    with world.start("twin-token") as twin:
        line = twin.wait_for("run left out", 2, reason="locked")
        assert f"process {service.process.pid} is at work on demisto/content" in line["detail"]
        assert twin.get("/healthz").status_code == 200
        capfd.readouterr()
        assert run_command(["run", *world.options(world.github)]) == 1
        assert f"autobump: process {service.process.pid} is at work" in capfd.readouterr().err
        assert not twin.select("pass started")
        hold.go_on.set()
        twin.wait_until(
            lambda: len(twin.select("pass finished")) + len(twin.select("run left out")) >= 6, "six due runs"
        )
        twin.process.send_signal(signal.SIGTERM)
        assert twin.end() == 0


def check_that_a_broken_registry_is_outlived(world: World, service: Service) -> None:
    failures = service.metric('autobump_passes_total{end="incomplete"}')
    world.registry.broken = True
    service.wait_for_next("pass finished", 2, failed=True)
    service.wait_for_health(503)
    assert service.get("/healthz").json()["status"] == "failed"
    world.registry.broken = False
    service.wait_for_next("pass finished", failed=False)
    service.wait_for_health(200)
    assert service.metric('autobump_passes_total{end="incomplete"}') >= failures + 2


def check_that_settings_are_reloaded(world: World, service: Service) -> None:
    world.configure(exclude_images=[])
    service.process.send_signal(signal.SIGHUP)
    service.wait_for("settings reloaded")
    service.wait_for("pull request", action="create", image="demisto/z")

    world.configure("never", exclude_images=["demisto/*"])
    service.process.send_signal(signal.SIGHUP)
    refused = service.wait_for("the new settings cannot be used; the old ones stay")
    assert re.match(rf"{re.escape(str(world.config))}:1:\d+: schedule.cron: \"never\" must", refused["cause"])
    service.wait_for_next("pull request", 3, action="leave")
    world.configure(exclude_images=[])


def check_that_no_two_passes_overlap(world: World) -> None:
    """A pass begins with the question who it is; until the next such question every call must be its own."""
    at_work = ""
    for token, call in world.calls:
        if call.endswith("/git/ref/heads/master"):
            continue  # a service that starts looks whether it is let in, whoever is at work
        if call == "GET /user":
            at_work = token
        assert token == at_work, call
