"""Every command with every secret set to a marked text: none of it comes out anywhere."""

import base64
import json
from pathlib import Path

import pytest

from autobump.cli import cli, run_command
from autobump.git import Git
from tests.support.emulator import APP_KEY
from tests.support.repositories import make_repository, script_pack
from tests.support.servers import Reply, Request, serve

OLD, NEW = "3.9.8.24399", "3.12.13.12042988"
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
COMMANDS: dict[str, tuple[str, ...]] = {
    "matrix": ("matrix",),
    "plan": ("plan", "--repo", "{repo}"),
    "run": ("run", "--repo", "{repo}"),
    "explain": ("explain", "Packs/A/Scripts/S/S.yml", "--repo", "{repo}"),
    "tags": ("tags", "demisto/python3"),
    "diff": ("diff", "demisto/python3", OLD, NEW),
    "config": ("config", "check", "--repo", "{repo}"),
    "demo": ("demo",),
}
NOT_RUN = {"init", "schedule"}
"""Commands that read no secret, or that repeat one of the others until they are stopped."""


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


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("source", ["file", "oci"])
def test_no_secret_is_in_what_a_command_writes(
    name: str,
    source: str,
    tmp_path: Path,
    marked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", {"S": f"demisto/python3:{OLD}"}))
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/python3": [OLD, NEW]}))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    with serve(echo) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        arguments = [part.format(repo=git.directory) for part in COMMANDS[name]]
        if "--tags" not in arguments and name not in ("config", "demo", "matrix"):
            arguments += ["--tags", f"file:{tmp_path}/tags.json" if source == "file" else f"oci:{server.url}"]
        if name in ("plan", "run"):
            arguments += [
                part for ending in ("json", "md", "html", "txt") for part in ("--report", f"report.{ending}")
            ]
        status = run_command(["-vv", *arguments])
        run_command(["--log-format", "json", "-vv", *arguments])
    out, err = capfd.readouterr()
    assert status in (0, 1, 2)
    assert out + err
    for text in marked:
        assert text not in out + err
        assert_in_no_file(tmp_path, git, text)


def test_every_command_is_looked_at() -> None:
    assert set(cli.commands) <= set(COMMANDS) | NOT_RUN


def assert_in_no_file(folder: Path, git: Git, text: str) -> None:
    """Look through reports, caches, branches and everything else that was written."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert text.encode() not in path.read_bytes(), path
    assert text.encode() not in git.run("log", "--all", "--format=%B", "-p")
