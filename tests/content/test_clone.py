"""Where the token for a clone goes, with real git and servers with TLS."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autobump.content.clone import open_clone
from autobump.content.tree import ContentTree
from autobump.passes.open import open_own_clone
from autobump.settings.model import RegistrySettings, Settings
from autobump.support.errors import AutobumpError, ForgeError
from autobump.support.git import Git
from autobump.support.secrets import Secret
from tests.fixtures.certificates import self_signed
from tests.fixtures.emulator import APP_ID, APP_KEY
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.servers import Reply, Request, Server, serve

BASIC = f"Basic {base64.b64encode(b'x-access-token:sesame').decode()}"
REFS = "/demisto/content/info/refs"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = self_signed(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(path))
    return path


def clone(server: Server, folder: Path) -> None:
    open_clone(folder / "clones", server.url, "demisto/content", "master", Secret("sesame"))


def test_token_goes_to_its_server_and_into_no_file(tmp_path: Path, certificate: Path) -> None:
    with serve(lambda _: Reply(404), certificate) as server, pytest.raises(AutobumpError, match="not found"):
        clone(server, tmp_path)
    assert [(seen.path, seen.headers["authorization"]) for seen in server.requests] == [(REFS, BASIC)]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"sesame" in data or BASIC.encode() in data for data in files)


def test_token_does_not_follow_a_redirect(tmp_path: Path, certificate: Path) -> None:
    with serve(lambda _: Reply(404), certificate) as elsewhere:
        redirect = Reply(302, headers={"Location": f"{elsewhere.url}{REFS}?service=git-upload-pack"})
        with (
            serve(lambda _: redirect, certificate) as server,
            pytest.raises(AutobumpError, match="cannot fetch"),
        ):
            clone(server, tmp_path)
    assert (len(server.requests), elsewhere.requests) == (1, [])


def test_token_is_not_sent_without_tls(tmp_path: Path) -> None:
    with serve(lambda _: Reply(404)) as server, pytest.raises(AutobumpError):
        clone(server, tmp_path)
    assert "authorization" not in server.requests[0].headers


def test_what_a_killed_git_left_is_taken_away(tmp_path: Path) -> None:
    pack = tmp_path / "clones/demisto__content/objects/pack"
    pack.mkdir(parents=True)
    old, young, lock = pack / "tmp_pack_old", pack / "tmp_pack_young", pack.parents[1] / "shallow.lock"
    for path in (old, young, lock):
        path.touch()
    os.utime(old, (0, 0))
    with serve(lambda _: Reply(404)) as server, pytest.raises(AutobumpError):
        clone(server, tmp_path)
    assert [path.exists() for path in (old, young, lock)] == [False, True, False]


class Origin:
    """A server without a network, and autobump's clone of its one repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = (folder / "server").as_uri()
        self.git = make_repository(
            folder / "server/demisto/content", script_pack("A", {"One": "demisto/x:1.0.0.1"})
        )
        self.git.run("config", "uploadpack.allowFilter", "true")
        self.git.run("config", "uploadpack.allowAnySHA1InWant", "true")

    def open(self) -> Git:
        """Open the clone and read all of it."""
        git, revision = open_clone(self.folder / "clones", self.server, "demisto/content", "master", None)
        tree = ContentTree.open(git.directory, revision)
        assert all(blob.data for blob in tree.read(entry.blob for entry in tree.list_files()))
        return git


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("files", "spoil"),
    [
        ("objects/pack/*.pack", lambda data: data[:30]),
        ("objects/pack/*.pack", lambda data: data[:40] + b"XXXXXXXX" + data[48:]),
        ("objects/pack/*.idx", lambda data: data[:30]),
        ("refs/remotes/origin/master", lambda _: b""),
        ("HEAD", lambda _: b""),
        ("config", lambda _: b"[cor"),
        ("shallow", lambda _: b"x"),
    ],
    ids=["packs cut", "packs spoilt", "indexes", "ref", "head", "settings", "shallow"],
)
def test_damaged_clone_is_built_anew_at_once(
    origin: Origin, files: str, spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    home = origin.open().directory
    spoiled = list(home.glob(files))
    assert spoiled
    for path in spoiled:
        rewrite(path, spoil(path.read_bytes()))
    origin.open()
    assert [record.getMessage() for record in caplog.records] == ["the clone is damaged and is built anew"]
    caplog.clear()
    origin.open()
    assert caplog.records == []


def test_sound_clone_is_kept_when_the_server_or_the_branch_fails(origin: Origin) -> None:
    home = origin.open().directory
    packs = sorted(home.glob("objects/pack/*"))
    origin.git.directory.rename(origin.folder / "away")
    with pytest.raises(AutobumpError, match="cannot fetch master"):
        origin.open()
    with serve(lambda _: Reply(503)) as server, pytest.raises(AutobumpError, match="503"):
        open_clone(origin.folder / "clones", server.url, "demisto/content", "master", None)
    (origin.folder / "away").rename(origin.git.directory)
    with pytest.raises(AutobumpError, match="cannot fetch gone"):
        open_clone(origin.folder / "clones", origin.server, "demisto/content", "gone", None)
    assert sorted(home.glob("objects/pack/*")) == packs
    origin.open()


def test_clone_is_built_anew_once_only(origin: Origin) -> None:
    home = origin.open().directory
    for path in home.glob("objects/pack/*.pack"):
        rewrite(path, b"")
    origin.git.directory.rename(origin.folder / "away")
    with pytest.raises(AutobumpError, match="cannot fetch master"):
        origin.open()
    (origin.folder / "away").rename(origin.git.directory)
    origin.open()


def test_certificate_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    with (
        serve(lambda _: Reply(404), self_signed(tmp_path)) as server,
        pytest.raises(AutobumpError, match="certificate"),
    ):
        clone(server, tmp_path)
    assert server.requests == []


def test_app_reads_its_own_clone_with_a_token_of_its_own(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("/installation"):
            return Reply(body=b'{"id": 1, "app_slug": "autobump"}')
        return Reply(201, b'{"token": "sesame", "expires_at": "2099-01-01T00:00:00Z"}')

    settings = Settings(registry=RegistrySettings(cache=str(tmp_path / "cache")))
    with serve(answer) as api, serve(lambda _: Reply(404), certificate) as server:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        monkeypatch.setenv("GITHUB_SERVER_URL", server.url)
        monkeypatch.setenv("AUTOBUMP_APP_ID", str(APP_ID))
        # In one line, as a file of variables holds it.
        monkeypatch.setenv("AUTOBUMP_APP_PRIVATE_KEY", APP_KEY.replace("\n", "\\n"))
        with pytest.raises(AutobumpError, match="not found"):
            open_own_clone(settings)
    assert [(seen.path, seen.headers["authorization"]) for seen in server.requests] == [(REFS, BASIC)]


def test_app_that_gets_no_token_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("/installation"):
            return Reply(body=b'{"id": 1, "app_slug": "autobump"}')
        return Reply(422, b'{"message": "permissions were not granted"}')

    settings = Settings(registry=RegistrySettings(cache=str(tmp_path / "cache")))
    with serve(answer) as api:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
        monkeypatch.setenv("AUTOBUMP_APP_ID", str(APP_ID))
        monkeypatch.setenv("AUTOBUMP_APP_PRIVATE_KEY", APP_KEY)
        with pytest.raises(ForgeError, match="gives the App no token: permissions were not granted"):
            open_own_clone(settings)
