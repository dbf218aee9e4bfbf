import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobump.images.sources import open_tag_source
from autobump.images.sources.image_pages import GitHubPages, ImagePagesSource
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.git import Git
from autobump.support.http.answer import Answer
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.secrets import Secret
from tests.fixtures.pages import make_page
from tests.fixtures.repositories import make_repository
from tests.fixtures.servers import Reply, Request, serve

QUICK = HttpLimits(attempts=1)


def github(url: str, token: Secret | None = None) -> ImagePagesSource:
    return ImagePagesSource(GitHubPages(HttpClient(QUICK), token, api_url=url, raw_url=f"{url}/raw"))


def test_folder_of_pages_is_a_source_with_dates_and_digests(tmp_path: Path) -> None:
    folder = tmp_path / "demisto/x"
    folder.mkdir(parents=True)
    for tag in ("1.0.0.1", "1.0.0.2"):
        digest = "sha256:" + tag[-1] * 64
        (folder / f"{tag}.md").write_text(make_page("demisto/x", tag, digest=digest))
    source = open_tag_source(f"dockerfiles-info:{tmp_path}")
    assert sorted(tag.name for tag in source.fetch_tags("demisto/x")) == ["1.0.0.1", "1.0.0.2"]
    created = source.fetch_created("demisto/x", "1.0.0.2")
    assert created is not None
    assert created.replace(microsecond=0) == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert source.fetch_digest("demisto/x", "1.0.0.2") == "sha256:" + "2" * 64


@pytest.mark.corpus
def test_clone_is_a_source_with_dates_and_digests(corpus: Path) -> None:
    source = open_tag_source(f"dockerfiles-info:{corpus / 'dockerfiles-info'}")
    assert "3.12.13.9059085" in {tag.name for tag in source.fetch_tags("demisto/python3")}
    created = source.fetch_created("demisto/python3", "3.12.13.9059085")
    assert created is not None
    assert created.replace(microsecond=0) == datetime(2026, 5, 16, 23, 53, 16, tzinfo=UTC)
    assert source.fetch_digest("demisto/python3", "3.12.13.9059085") == (
        "sha256:7d167a6a4db5405a53ffa8c06fade744f02a5ddcf29f1669002c945ee934bbcb"
    )


def test_github_lists_every_page_in_one_request() -> None:
    paths = ["demisto/x/1.0.0.1.md", "demisto/x/latest.md", "demisto/y/1.0.0.2.md", "README.md", "a/b/c/d.md"]
    tree = {"tree": [{"path": path, "type": "blob"} for path in paths], "truncated": False}

    def answer(request: Request) -> Reply:
        if request.path.startswith("/raw/"):
            return Reply(404)
        return Reply(body=json.dumps(tree).encode())

    with serve(answer) as server:
        source = github(server.url, Secret("sesame"))
        assert [tag.name for tag in source.fetch_tags("demisto/x")] == ["1.0.0.1", "latest"]
        assert [tag.name for tag in source.fetch_tags("demisto/y")] == ["1.0.0.2"]
        with pytest.raises(ImageNotFoundError):
            source.fetch_tags("demisto/none")
        assert server.paths() == ["GET /repos/demisto/dockerfiles-info/git/trees/master"]
        assert server.requests[0].headers["authorization"] == "Bearer sesame"
        with pytest.raises(ImageNotFoundError, match="no page of demisto/x:1"):
            source.fetch_digest("demisto/x", "1.0.0.1")
        assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(403), Reply(body=b"{"), Reply(body=b'{"tree": [], "truncated": true}')]
)
def test_github_that_does_not_list_them_all_is_told(reply: Reply) -> None:
    with serve(lambda _: reply) as server, pytest.raises(RegistryError):
        github(server.url).fetch_tags("demisto/x")


def test_list_of_twice_as_many_pages_as_there_are_is_read() -> None:
    def entry(number: int) -> dict[str, Any]:
        sha = f"{number:040}"
        url = f"https://api.github.com/repos/demisto/dockerfiles-info/git/blobs/{sha}"
        path = f"demisto/python3/3.12.13.{number}.md"
        return {"path": path, "mode": "100644", "type": "blob", "sha": sha, "size": 9999, "url": url}

    tree = json.dumps({"tree": [entry(number) for number in range(26_000)], "truncated": False}).encode()
    assert len(tree) > 6_000_000
    with serve(lambda _: Reply(body=tree)) as server:
        assert len(github(server.url).fetch_tags("demisto/python3")) == 26_000


@pytest.mark.parametrize("piece", [b"{}", b"0", b'{"path":"","type":"blob"}'])
def test_flood_in_the_list_of_pages_is_told_in_few_words(piece: bytes) -> None:
    body = b'{"tree":[' + (piece + b",") * 240_000 + b"0]}"
    with serve(lambda _: Reply(body=body)) as server, pytest.raises(RegistryError) as raised:
        github(server.url).fetch_tags("demisto/x")
    assert len(str(raised.value)) < 300


def test_page_far_larger_than_any_is_not_read_in_part() -> None:
    with (
        serve(lambda _: Reply(body=b"#" * (128 * 1024 + 1))) as server,
        pytest.raises(RegistryError, match="answered more than 128 KiB"),
    ):
        github(server.url).fetch_digest("demisto/x", "1.0.0.1")


@pytest.mark.parametrize(
    "page", ["", "- Created: `yesterday`", "garbage \x00", "- Created: `2026-01-01T00:00:00`"]
)
def test_page_without_facts_costs_only_the_facts(tmp_path: Path, page: str) -> None:
    path = tmp_path / "demisto/x/1.0.0.1.md"
    path.parent.mkdir(parents=True)
    path.write_text(page)
    source = open_tag_source(f"dockerfiles-info:{tmp_path}")
    assert [tag.name for tag in source.fetch_tags("demisto/x")] == ["1.0.0.1"]
    assert source.fetch_created("demisto/x", "1.0.0.1") is None
    assert source.fetch_digest("demisto/x", "1.0.0.1") is None


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        open_tag_source(f"dockerfiles-info:{tmp_path}/none")


PAGE_FILES = {
    "demisto/x/1.0.0.1.md": make_page("demisto/x", "1.0.0.1"),
    "demisto/x/README.md": "x",
    "a.md": "x",
}


@pytest.mark.parametrize("bare", [True, False])
def test_clone_without_files_is_read_from_its_commit(tmp_path: Path, bare: bool) -> None:
    git = make_repository(tmp_path / "pages", PAGE_FILES, bare=bare)
    if not bare:
        (git.directory / "demisto/x/1.0.0.1.md").unlink()
        (git.directory / "demisto/x/README.md").unlink()
    source = open_tag_source(f"dockerfiles-info:{git.directory}")
    assert "1.0.0.1" in {tag.name for tag in source.fetch_tags("demisto/x")}
    created = source.fetch_created("demisto/x", "1.0.0.1")
    assert created is not None
    assert created.year == 2026
    with pytest.raises(ImageNotFoundError):
        source.fetch_digest("demisto/x", "1.0.0.2")


def test_page_in_a_commit_that_is_larger_than_any_is_none(tmp_path: Path) -> None:
    git = make_repository(tmp_path, {"demisto/x/1.0.0.1.md": "#" * (128 * 1024 + 1)})
    with pytest.raises(ImageNotFoundError):
        open_tag_source(f"dockerfiles-info:{git.directory}").fetch_digest("demisto/x", "1.0.0.1")


def test_folder_without_pages_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    commit = make_repository(tmp_path / "commit", {"README.md": "x"})
    unborn = Git(tmp_path / "unborn")
    unborn.directory.mkdir()
    unborn.run("init", "--quiet", "--bare")
    for folder in (empty, commit.directory, unborn.directory):
        with pytest.raises(UsageError, match=r"holds no image page.*PATH names a clone of demisto/docker"):
            open_tag_source(f"dockerfiles-info:{folder}")


def test_empty_folder_inside_another_repository_has_none_of_its_pages(tmp_path: Path) -> None:
    git = make_repository(tmp_path, PAGE_FILES, bare=False)
    (git.directory / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no image page"):
        open_tag_source(f"dockerfiles-info:{git.directory / 'empty'}")


@pytest.mark.parametrize(
    ("api", "token"),
    [("", "sesame"), ("https://api.github.com/", "sesame"), ("https://git.example/api/v3", None)],
)
def test_token_of_another_github_is_not_sent_to_github_com(
    monkeypatch: pytest.MonkeyPatch, api: str, token: str | None
) -> None:
    sent: list[str | None] = []

    def send(_self: HttpClient, _method: str, _url: str, **options: Any) -> Answer:
        sent.append(options["authorization"])
        return Answer(404, {}, b"", "")

    monkeypatch.setattr(HttpClient, "send", send)
    monkeypatch.setenv("GITHUB_TOKEN", "sesame")
    monkeypatch.setenv("GITHUB_API_URL", api)
    with pytest.raises(RegistryError):
        open_tag_source("dockerfiles-info").fetch_tags("demisto/x")
    assert sent == [token and f"Bearer {token}"]
