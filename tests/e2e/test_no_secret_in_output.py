"""Every command with every secret set to a marked text: none of it comes out anywhere."""

import base64
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from autobump.cli import run_command
from autobump.support.git import Git
from tests.fixtures.commands import COMMANDS
from tests.fixtures.emulator import APP_KEY
from tests.fixtures.github import standing_in
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.servers import Reply, Request, serve

OLD, NEW = "3.9.8.24399", "3.12.13.12042988"
PROJECT = Path(__file__).resolve().parents[2]
MARK = "MARKED-7f3a9c"
SECRETS = {
    name: f"{MARK}-{name.lower()}"
    for name in (
        "GITHUB_TOKEN",
        "DOCKERHUB_TOKEN",
        "AUTOBUMP_REGISTRY_PASSWORD",
        "AUTOBUMP_REGISTRY_TOKEN",
    )
}
SCHEDULE = ("schedule", "--now", "--repo", "{repo}", "--set", "schedule.listen=127.0.0.1:0")
LINES: dict[str, tuple[str, ...]] = {
    "matrix": ("matrix",),
    "plan": ("plan", "--repo", "{repo}"),
    "verify": ("verify", "--repo", "{repo}", "--pack", "None"),  # no image is pulled
    "run": ("run", "--repo", "{repo}"),
    "run with a token": ("run", "--repo", "{repo}", "--forge", "github"),
    "run as an App": ("run", "--repo", "{repo}", "--forge", "github"),
    "schedule": SCHEDULE,
    "schedule with a token": (*SCHEDULE, "--forge", "github"),
    "explain": ("explain", "Packs/A/Scripts/S/S.yml", "--repo", "{repo}"),
    "tags": ("tags", "demisto/python3"),
    "diff": ("diff", "demisto/python3", OLD, NEW, "--facts", "file:tags.json"),
    "images": ("images", "--in-use", "--repo", "{repo}"),
    "config check": ("config", "check", "--repo", "{repo}"),
    "config show": ("config", "show", "--repo", "{repo}"),
    "config schema": ("config", "schema"),
    "init": ("init", "--repo", "{repo}", "--yes", "--repository", "a/b", "--action", "a/b@c"),
    "demo": ("demo",),
}
"""Command lines by the command, and how it is used where there are several ways."""


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Set every secret, and return what must not be seen: each text, and each as Basic carries it."""
    for name, text in SECRETS.items():
        monkeypatch.setenv(name, text)
    for name in ("DOCKERHUB_USERNAME", "AUTOBUMP_REGISTRY_USERNAME"):
        monkeypatch.setenv(name, "me")
    key_line = APP_KEY.splitlines()[5]
    monkeypatch.setenv("AUTOBUMP_APP_ID", "1234")
    monkeypatch.setenv("AUTOBUMP_APP_PRIVATE_KEY", APP_KEY)
    carried = [
        base64.b64encode(f"{who}:{text}".encode()).decode()
        for who in ("me", "x-access-token")
        for text in SECRETS.values()
    ]
    return [MARK, key_line, *carried]


def echo(request: Request) -> Reply:
    """Answer like a registry that repeats in its errors what it was told."""
    told = request.headers.get("authorization", "")
    return Reply(
        403, json.dumps({"message": f"no {told} {request.body.decode()}"}).encode(), {"X-Told": told}
    )


@pytest.mark.parametrize("name", sorted(LINES))
@pytest.mark.parametrize("source", ["file", "oci"])
def test_no_secret_is_in_what_a_command_writes(
    name: str,
    source: str,
    tmp_path: Path,
    marked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    files = script_pack("A", {"S": f"demisto/python3:{OLD}"})
    git = make_repository(tmp_path / "r", files, bare=False)
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/python3": [OLD, NEW]}))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    if name.endswith(" with a token"):
        monkeypatch.delenv("AUTOBUMP_APP_ID")
        monkeypatch.delenv("AUTOBUMP_APP_PRIVATE_KEY")
    with serve(echo) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        arguments = [part.format(repo=git.directory) for part in LINES[name]]
        if "tags" in {parameter.name for parameter in COMMANDS[named(name)].params}:
            arguments += ["--tags", f"file:{tmp_path}/tags.json" if source == "file" else f"oci:{server.url}"]
        if arguments[0] in ("plan", "run"):
            arguments += [
                part for ending in ("json", "md", "html", "txt") for part in ("--report", f"report.{ending}")
            ]
        perform = run_service if arguments[0] == "schedule" else run_command
        status = perform(["-vv", *arguments])
        perform(["--log-format", "json", "-vv", *arguments])
    out, err = capfd.readouterr()
    assert status in (0, 1, 2)
    assert out + err
    for text in marked:
        assert text not in out + err
        assert_in_no_file(tmp_path, git, text)


def test_no_secret_is_in_what_is_made_on_github(
    tmp_path: Path,
    marked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("AUTOBUMP_APP_ID")
    monkeypatch.delenv("AUTOBUMP_APP_PRIVATE_KEY")
    files: dict[str, str | bytes] = {}
    files |= script_pack("A", {"S": f"demisto/python3:{OLD}"})
    github = standing_in(tmp_path / "github", files)
    github.tokens = {SECRETS["GITHUB_TOKEN"]: "content-bot"}
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/python3": [OLD, NEW]}))
    options = ["--repo", str(github.git.directory), "--tags", f"file:{tmp_path}/tags.json"]
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        assert run_command(["-vv", "run", "--forge", "github", *options]) == 0
        sent = [request.path + request.body.decode() for request in server.requests]
    assert len(github.open_pulls()) == 1
    told = "".join([*capfd.readouterr(), *sent, repr(github.state())])
    for text in marked:
        assert text not in told
        assert_in_no_file(tmp_path, github.git, text)


def test_every_command_is_looked_at() -> None:
    assert {named(line) for line in LINES} == set(COMMANDS)


def named(line: str) -> str:
    """Return the command of a line; how it is used stands behind it."""
    return line.removesuffix(" with a token").removesuffix(" as an App")


def run_service(arguments: list[str]) -> int:
    """Run the service for one pass, ask it what it tells over HTTP, and pass on all it writes."""
    command = [sys.executable, "-m", "autobump", *arguments]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = ""
            for line in process.stderr:
                sys.stderr.write(line)
                if "listening" in line and (found := re.search(r'port"?[=:] ?(\d+)', line)):
                    port = found[1]
                if "pass finished" in line or "pass failed" in line:
                    for path in ("healthz", "metrics"):
                        sys.stderr.write(requests.get(f"http://127.0.0.1:{port}/{path}", timeout=10).text)
                    process.send_signal(signal.SIGTERM)
        finally:
            process.kill()
    return process.returncode


def assert_in_no_file(folder: Path, git: Git, text: str) -> None:
    """Look through reports, caches, branches and everything else that was written."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert text.encode() not in path.read_bytes(), path
    assert text.encode() not in git.run("log", "--all", "--format=%B", "-p")
