import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobump.images.sources import oci
from autobump.images.sources.cache import TagCache
from autobump.images.sources.oci import Credentials, OciSource
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.secrets import Secret
from tests.fixtures.servers import Reply, Request, Server, serve

QUICK = HttpLimits(idle_seconds=1, answer_seconds=1, attempts=2, list_pages=20)
DIGEST = "sha256:" + "c" * 64
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def source(
    server: Server, prefix: str = "", cache: Path | None = None, credentials: Credentials | None = None
) -> OciSource:
    client = HttpClient(QUICK, sleep=lambda _: None)
    return OciSource(f"{server.url}{prefix}", client, TagCache(cache), credentials)


def reply_json(document: object, **headers: str) -> Reply:
    return Reply(body=json.dumps(document).encode(), headers=headers)


class TokenRegistry:
    """A registry that wants a token for each image, and a token server."""

    def __init__(self, *, many_scopes: bool = True) -> None:
        self.many_scopes = many_scopes
        self.url = ""
        self.issued: dict[str, list[str]] = {}

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            scopes = request.query["scope"]
            assert request.query["service"] == ["registry.example"]
            if len(scopes) > 1 and not self.many_scopes:
                return Reply(400)
            token = f"token{len(self.issued)}"
            self.issued[token] = scopes
            return reply_json({"token": token, "expires_in": 300})
        image = request.path.removeprefix("/v2/").rpartition("/tags/")[0]
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if f"repository:{image}:pull" not in self.issued.get(token, []):
            challenge = (
                f'Bearer realm="{self.url}/token",service="registry.example",scope="repository:{image}:pull"'
            )
            return Reply(401, headers={"WWW-Authenticate": challenge})
        return reply_json({"name": image, "tags": ["1.0.0.1"]})


@pytest.mark.parametrize("many_scopes", [True, False])
def test_one_token_serves_many_images_where_the_registry_allows_it(many_scopes: bool) -> None:
    registry = TokenRegistry(many_scopes=many_scopes)
    images = [f"demisto/x{number}" for number in range(10)]
    with serve(registry.answer) as server:
        registry.url = server.url
        oci_source = source(server)
        oci_source.prepare(dict.fromkeys(images, ()))
        for image in images:
            assert [tag.name for tag in oci_source.fetch_tags(image)] == ["1.0.0.1"]
    assert len(registry.issued) == (1 if many_scopes else len(images))


def test_token_that_is_refused_is_fetched_anew_for_the_image_alone() -> None:
    registry = TokenRegistry()
    with serve(registry.answer) as server:
        registry.url = server.url
        oci_source = source(server)
        oci_source.prepare({"demisto/x": (), "demisto/y": ()})
        oci_source.fetch_tags("demisto/x")
        registry.issued = {"other": []}  # the token server has forgotten every token
        assert [tag.name for tag in oci_source.fetch_tags("demisto/y")] == ["1.0.0.1"]


def test_access_that_is_refused_for_good_is_told() -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return reply_json({"token": "t"})
        return Reply(401, headers={"WWW-Authenticate": 'Bearer realm="/token",service="s"'})

    with serve(answer) as server, pytest.raises(RegistryError, match="refuses access to demisto/x"):
        source(server).fetch_tags("demisto/x")
    assert len(server.requests) < 8


def test_basic_authentication_is_answered_when_asked() -> None:
    wanted = "Basic " + base64.b64encode(b"me:sesame").decode()

    def answer(request: Request) -> Reply:
        if request.headers.get("authorization") != wanted:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return reply_json({"tags": ["1.0.0.1"]})

    with serve(answer) as server:
        oci_source = source(server, credentials=Credentials("me", Secret("sesame")))
        assert [tag.name for tag in oci_source.fetch_tags("demisto/x")] == ["1.0.0.1"]
        assert "sesame" not in repr(vars(oci_source)["_credentials"])
        with pytest.raises(RegistryError, match="AUTOBUMP_REGISTRY_USERNAME"):
            source(server).fetch_tags("demisto/x")


def test_bearer_from_the_environment_is_sent_at_once() -> None:
    with serve(lambda _: reply_json({"tags": []})) as server:
        source(server, credentials=Credentials(bearer=Secret("sesame"))).fetch_tags("demisto/x")
    assert server.requests[0].headers["authorization"] == "Bearer sesame"


def test_prefix_of_a_proxy_stands_before_every_image() -> None:
    with serve(lambda _: reply_json({"tags": []})) as server:
        source(server, "/mirror/demisto-proxy").fetch_tags("demisto/x")
    assert server.paths() == ["GET /v2/mirror/demisto-proxy/demisto/x/tags/list"]


def test_pages_are_followed_by_their_link() -> None:
    def answer(request: Request) -> Reply:
        last = int(request.query.get("last", ["0"])[0])
        link = {"Link": f'</v2/demisto/x/tags/list?n=1000&last={last + 1}>; rel="next"'} if last < 4 else {}
        return reply_json({"tags": [f"1.0.0.{last}", f"1.0.0.{last + 1}"]}, **link)

    with serve(answer) as server:
        tags = source(server).fetch_tags("demisto/x")
    assert [tag.name for tag in tags] == [f"1.0.0.{number}" for number in range(6)]


def test_page_that_vanishes_behind_the_first_is_no_missing_image() -> None:
    first = reply_json({"tags": ["1.0.0.1"]}, Link='</v2/demisto/x/tags/list?last=1>; rel="next"')
    with (
        serve(lambda request: Reply(404) if "last" in request.query else first) as server,
        pytest.raises(RegistryError, match="answered 404") as raised,
    ):
        source(server).fetch_tags("demisto/x")
    assert not isinstance(raised.value, ImageNotFoundError)


@pytest.mark.parametrize("link", ["<http://127.0.0.1:1/x>; rel=next", '<//evil.example/x>; rel="next"'])
def test_link_to_another_host_is_refused(link: str) -> None:
    with (
        serve(lambda _: reply_json({"tags": []}, Link=link)) as server,
        pytest.raises(RegistryError, match="another host"),
    ):
        source(server).fetch_tags("demisto/x")


def test_pages_without_end_end() -> None:
    endless = reply_json({"tags": ["1.0.0.1"]}, Link='</v2/demisto/x/tags/list>; rel="next"')
    with serve(lambda _: endless) as server, pytest.raises(RegistryError, match="more than 20 pages"):
        source(server).fetch_tags("demisto/x")
    assert len(server.requests) == 20


@pytest.mark.parametrize("pages", [1, 20])
def test_more_tags_than_an_image_can_have_are_an_error(pages: int) -> None:
    def answer(request: Request) -> Reply:
        page = int(request.query.get("last", ["0"])[0])
        tags = [f"1.0.{page}.{number}" for number in range(10_000 // pages + 1)]
        return reply_json({"tags": tags}, Link=f'</v2/x?last={page + 1}>; rel="next"')

    with serve(answer) as server, pytest.raises(RegistryError, match=r"10,?000 (tags|items)"):
        source(server).fetch_tags("demisto/x")
    assert len(server.requests) == pages


def test_remembered_tags_count_as_those_just_told(tmp_path: Path) -> None:
    def answer(_: Request) -> Reply:
        return reply_json({"tags": [f"1.0.0.{number}" for number in range(10_000)]})

    with serve(answer) as server:
        for _pass in range(2):
            oci_source = source(server, cache=tmp_path)
            for number in range(10):
                assert len(oci_source.fetch_tags(f"demisto/x{number}")) == 10_000
            with pytest.raises(RegistryError, match="all images together"):
                oci_source.fetch_tags("demisto/y")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), ImageNotFoundError),
        (Reply(500), RegistryError),
        (Reply(403), RegistryError),
        (Reply(401), RegistryError),
        (Reply(body=b"{"), RegistryError),
        (Reply(body=b'{"tags": {}}'), RegistryError),
    ],
)
def test_fault_is_told(reply: Reply, error: type[Exception]) -> None:
    with serve(lambda _: reply) as server, pytest.raises(error):
        source(server).fetch_tags("demisto/x")


def test_malformed_tags_cost_only_themselves() -> None:
    with serve(lambda _: reply_json({"tags": [1, None, "", "1.0.0.1", "x" * 500]})) as server:
        assert [tag.name for tag in source(server).fetch_tags("demisto/x")] == ["1.0.0.1"]


def test_image_without_tags_has_none() -> None:
    with serve(lambda _: reply_json({"name": "demisto/x", "tags": None})) as server:
        assert source(server).fetch_tags("demisto/x") == ()


def test_fresh_answer_is_not_asked_for_again_and_an_older_one_only_if_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Request) -> Reply:
        if request.headers.get("if-none-match") == '"v1"':
            return Reply(304)
        return reply_json({"tags": ["1.0.0.1"]}, ETag='"v1"')

    with serve(answer) as server:
        for _ in range(2):
            assert len(source(server, cache=tmp_path).fetch_tags("demisto/x")) == 1
        assert len(server.requests) == 1
        monkeypatch.setattr(oci, "FRESH_SECONDS", 0)
        assert len(source(server, cache=tmp_path).fetch_tags("demisto/x")) == 1
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"v1"']


def test_answer_from_the_future_is_not_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: reply_json({"tags": []})) as server:
        with monkeypatch.context() as clock:
            clock.setattr("time.time", lambda: 9e9)
            source(server, cache=tmp_path).fetch_tags("demisto/x")
        source(server, cache=tmp_path).fetch_tags("demisto/x")
    assert len(server.requests) == 2


def test_digest_is_asked_with_a_head_request() -> None:
    with serve(lambda _: Reply(headers={"Docker-Content-Digest": DIGEST})) as server:
        assert source(server).fetch_digest("demisto/x", "1.0.0.1") == DIGEST
    assert server.paths() == ["HEAD /v2/demisto/x/manifests/1.0.0.1"]
    assert "oci.image.index" in server.requests[0].headers["accept"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(404), ImageNotFoundError), (Reply(), RegistryError), (Reply(500), RegistryError)],
)
def test_manifest_that_is_not_there_is_told(reply: Reply, error: type[Exception]) -> None:
    with serve(lambda _: reply) as server, pytest.raises(error):
        source(server).fetch_digest("demisto/x", "1.0.0.1")


@pytest.mark.parametrize("question", ["fetch_digest", "fetch_created"])
def test_tags_of_which_one_is_gone_are_remembered_no_more(tmp_path: Path, question: str) -> None:
    tags = ["1.0.0.1", "1.0.0.2"]

    def answer(request: Request) -> Reply:
        return reply_json({"tags": tags}) if request.path.endswith("/tags/list") else Reply(404)

    with serve(answer) as server:
        oci_source = source(server, cache=tmp_path)
        oci_source.fetch_tags("demisto/x")
        tags.remove("1.0.0.2")
        with pytest.raises(RegistryError):
            getattr(oci_source, question)("demisto/x", "1.0.0.2")
        assert [tag.name for tag in source(server, cache=tmp_path).fetch_tags("demisto/x")] == ["1.0.0.1"]


ANNOTATED: dict[str, Any] = {"annotations": {"org.opencontainers.image.created": "2026-01-02T03:04:05Z"}}


@pytest.mark.parametrize(
    "documents",
    [
        {"/manifests/1.0.0.1": ANNOTATED},
        {"/manifests/1.0.0.1": {"manifests": [{"digest": DIGEST, **ANNOTATED}]}},
        {"/manifests/1.0.0.1": {"manifests": [{"digest": DIGEST}]}, f"/manifests/{DIGEST}": ANNOTATED},
        {
            "/manifests/1.0.0.1": {"config": {"digest": DIGEST}},
            f"/blobs/{DIGEST}": {"created": "2026-01-02T03:04:05Z"},
        },
    ],
)
def test_date_comes_from_annotations_or_the_configuration(documents: dict[str, object]) -> None:
    with serve(lambda request: reply_json(documents[request.path.removeprefix("/v2/demisto/x")])) as server:
        assert source(server).fetch_created("demisto/x", "1.0.0.1") == CREATED


@pytest.mark.parametrize(
    "document",
    [{}, {"annotations": {"org.opencontainers.image.created": "soon"}}, {"config": {"digest": "../x"}}],
)
def test_image_without_a_date_has_none(document: object) -> None:
    with serve(lambda _: reply_json(document)) as server:
        assert source(server).fetch_created("demisto/x", "1.0.0.1") is None


@pytest.mark.parametrize(
    "address",
    [
        "registry.example",
        "ftp://registry.example",
        "https://",
        "https://x/?y",
        "https://me:sesame@registry.example",
        "https://[x",
        "https://me:sesame@x:port",
    ],
)
def test_address_that_is_none_is_refused_without_repeating_secrets(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        OciSource(address, HttpClient(), TagCache(None))
    assert "sesame" not in str(caught.value)


def test_token_server_without_tls_is_refused() -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://tokens.example/token",service="s"'}
    with (
        serve(lambda _: Reply(401, headers=challenge)) as server,
        pytest.raises(RegistryError, match="without TLS"),
    ):
        source(server, credentials=Credentials("me", Secret("sesame"))).fetch_tags("demisto/x")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, headers={"WWW-Authenticate": 'Bearer realm="https://[x"'}),
        Reply(body=b'{"tags": []}', headers={"Link": '<https://[x>; rel="next"'}),
        Reply(302, headers={"Location": "https://x:port/"}),
    ],
)
def test_address_in_an_answer_that_is_none_costs_that_image_only(reply: Reply) -> None:
    with serve(lambda _: reply) as server, pytest.raises(RegistryError, match="address"):
        source(server).fetch_tags("demisto/x")
