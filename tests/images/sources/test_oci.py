import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobump.images.sources import oci
from autobump.images.sources.cache import TagCache
from autobump.images.sources.login import Credentials
from autobump.images.sources.oci import OciSource
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
        assert "sesame" not in repr(vars(oci_source)) + repr(vars(vars(oci_source)["_login"]))
        with pytest.raises(RegistryError, match="AUTOBUMP_REGISTRY_USERNAME"):
            source(server).fetch_tags("demisto/x")


def test_bearer_from_the_environment_is_sent_at_once() -> None:
    with serve(lambda _: reply_json({"tags": []})) as server:
        source(server, credentials=Credentials(bearer=Secret("sesame"))).fetch_tags("demisto/x")
    assert server.requests[0].headers["authorization"] == "Bearer sesame"


BASIC = 'Basic realm="Corporate, registry"'
BEARER = 'Bearer realm="{url}/token",service="registry.example"'


class ScopedRegistry:
    """A registry that lets a token in by the scope that it was given for, however it asks for it."""

    def __init__(
        self, challenge: str, *, status: int = 401, one_scope: bool = False, needed: str = ""
    ) -> None:
        self.challenge = challenge
        self.status = status
        self.one_scope = one_scope
        self.needed = needed
        self.url = ""
        self.asked: list[list[str]] = []

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            scopes = request.query.get("scope", [])
            self.asked.append(scopes)
            token = base64.b64encode(" ".join(scopes[:1] if self.one_scope else scopes).encode()).decode()
            return reply_json({"access_token": token, "expires_in": 300})
        image = request.path.removeprefix("/v2/").rpartition("/tags/")[0]
        needed = self.needed or f"repository:{image}:pull"
        said = request.headers.get("authorization", "")
        granted = base64.b64decode(said.removeprefix("Bearer ")).decode().split() if said else []
        if needed in granted:
            return reply_json({"tags": ["1.0.0.1"]})
        challenge = self.challenge.format(url=self.url, image=image, needed=needed)
        return Reply(self.status if said else 401, headers={"WWW-Authenticate": challenge})


@pytest.mark.parametrize(
    "challenge",
    [
        f"{BASIC}, {BEARER}",
        f"{BEARER}, {BASIC}",
        "Negotiate, " + BEARER,
        "Bearer realm={url}/token,service=registry.example",
        'Bearer realm="{url}/token"',
        'bearer Realm="{url}/token?account=a", Scope="repository:user/image:pull"',
        BEARER + ',scope="repository:samalba/my-app:pull,push"',
        r'Digest realm="a \"Bearer\", b", qop="auth", ' + BEARER,
        BEARER + ',error="invalid_token"',
    ],
)
def test_bearer_challenge_is_answered_wherever_and_however_it_stands(challenge: str) -> None:
    registry = ScopedRegistry(challenge)
    with serve(registry.answer) as server:
        registry.url = server.url
        assert [tag.name for tag in source(server).fetch_tags("demisto/x")] == ["1.0.0.1"]
    assert registry.asked == [["repository:demisto/x:pull"]]


def test_challenge_in_several_lines_is_read_as_one() -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return reply_json({"token": "t"})
        if request.headers.get("authorization") == "Bearer t":
            return reply_json({"tags": ["1.0.0.1"]})
        lines = {"WWW-Authenticate": BASIC, "www-authenticate": BEARER.format(url=server.url)}
        return Reply(401, headers=lines)

    with serve(answer) as server:
        assert [tag.name for tag in source(server).fetch_tags("demisto/x")] == ["1.0.0.1"]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("prepared", [True, False])
def test_token_of_one_image_is_no_answer_for_another(status: int, prepared: bool) -> None:
    registry = ScopedRegistry(
        BEARER + ',scope="{needed}",error="insufficient_scope"', status=status, one_scope=True
    )
    images = [f"demisto/x{number}" for number in range(6)]
    with serve(registry.answer) as server:
        registry.url = server.url
        oci_source = source(server)
        if prepared:
            oci_source.prepare(dict.fromkeys(images, ()))
        for image in images:
            assert [tag.name for tag in oci_source.fetch_tags(image)] == ["1.0.0.1"]
    assert len(registry.asked) <= len(images) + 1, "what a server never grants is not asked for again"


@pytest.mark.parametrize("status", [401, 403])
def test_scope_that_a_registry_names_is_asked_for_where_its_own_is_not_enough(status: int) -> None:
    challenge = BEARER + ',scope="{needed}",error="insufficient_scope"'
    registry = ScopedRegistry(challenge, status=status, needed="repository:proxy/demisto/x:pull")
    with serve(registry.answer) as server:
        registry.url = server.url
        assert [tag.name for tag in source(server).fetch_tags("demisto/x")] == ["1.0.0.1"]


def test_refusal_without_a_challenge_is_not_answered() -> None:
    with serve(lambda _: Reply(403, b'{"errors": [{"message": "no pull for you"}]}')) as server:
        with pytest.raises(RegistryError, match="403 for demisto/x: no pull for you"):
            source(server).fetch_tags("demisto/x")
        assert len(server.requests) == 1


def test_password_is_used_where_no_token_is_given() -> None:
    wanted = "Basic " + base64.b64encode(b"me:sesame").decode()

    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return Reply(404)
        if request.headers.get("authorization") != wanted:
            challenge = f'Bearer realm="{server.url}/token", Basic realm="x"'
            return Reply(401, headers={"WWW-Authenticate": challenge})
        return reply_json({"tags": ["1.0.0.1"]})

    with serve(answer) as server:
        login = Credentials("me", Secret("sesame"))
        assert [tag.name for tag in source(server, credentials=login).fetch_tags("demisto/x")] == ["1.0.0.1"]


def test_web_page_of_a_token_server_is_told_with_its_host() -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return Reply(body=b"<!doctype html><title>Sign in to the guest network</title>")
        return Reply(401, headers={"WWW-Authenticate": BEARER.format(url=server.url)})

    with (
        serve(answer) as server,
        pytest.raises(RegistryError, match=r"/token answered 200 with a web page \(Sign in .*127\.0\.0\.1"),
    ):
        source(server).fetch_tags("demisto/x")


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


@pytest.mark.parametrize(
    "link",
    [
        "/v2/demisto/x/tags/list?last=1.0.0.1&n=1000",
        "/artifactory/api/docker/hub/v2/demisto/x/tags/list?n=1000&last=1.0.0.1",
        "https://internal.example:8081/v2/demisto/x/tags/list?last=1.0.0.1",
        "http://127.0.0.1:1/v2/hub/other/tags/list?last=1.0.0.1",
        "?last=1.0.0.1",
    ],
)
def test_next_page_is_asked_for_where_the_first_was(link: str) -> None:
    def answer(request: Request) -> Reply:
        if request.path != "/v2/hub/demisto/x/tags/list":
            return Reply(404)
        if request.query.get("last") == ["1.0.0.1"]:
            return reply_json({"tags": ["1.0.0.2"]})
        return reply_json({"tags": ["1.0.0.1"]}, Link=f'<{link}>; rel="next"')

    with serve(answer) as server:
        tags = source(server, "/hub").fetch_tags("demisto/x")
    assert [tag.name for tag in tags] == ["1.0.0.1", "1.0.0.2"]


@pytest.mark.parametrize("largest", [100, 0])
@pytest.mark.parametrize("status", [400, 405, 416, 422])
def test_page_size_that_is_refused_is_made_smaller_once_for_all_images(largest: int, status: int) -> None:
    def answer(request: Request) -> Reply:
        if int(request.query.get("n", ["0"])[0]) > largest:
            return Reply(status, b'{"errors": [{"code": "PAGINATION_NUMBER_INVALID"}]}')
        return reply_json({"tags": ["1.0.0.1"]})

    with serve(answer) as server:
        oci_source = source(server)
        assert [tag.name for tag in oci_source.fetch_tags("demisto/x")] == ["1.0.0.1"]
        tried = len(server.requests)
        assert [tag.name for tag in oci_source.fetch_tags("demisto/y")] == ["1.0.0.1"]
    assert (tried, len(server.requests)) == ((2, 3) if largest else (3, 4))


def test_request_that_is_refused_whatever_the_size_is_told() -> None:
    refusal = Reply(400, b'{"errors": [{"code": "NAME_INVALID", "message": "invalid name"}]}')
    with (
        serve(lambda _: refusal) as server,
        pytest.raises(RegistryError, match="answered 400 for demisto/x: invalid name"),
    ):
        source(server).fetch_tags("demisto/x")
    assert len(server.requests) == 3


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


MANIFEST = b'{"schemaVersion": 2, "manifests": []}'
HASHED = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


@pytest.mark.parametrize(
    "head",
    [
        Reply(),
        Reply(headers={"Docker-Content-Digest": ""}),
        Reply(headers={"Docker-Content-Digest": "sha512:" + "c" * 128}),
        Reply(404),
        Reply(405),
        Reply(403),
        Reply(501),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_manifest_is_read_where_a_head_request_tells_no_digest(head: Reply, told: bool) -> None:
    def answer(request: Request) -> Reply:
        headers = {"Docker-Content-Digest": DIGEST} if told else {}
        return head if request.method == "HEAD" else Reply(body=MANIFEST, headers=headers)

    with serve(answer) as server:
        assert source(server).fetch_digest("demisto/x", "1.0.0.1") == (DIGEST if told else HASHED)
    assert [request.method for request in server.requests] == ["HEAD", "GET"]


@pytest.mark.parametrize(
    ("head", "message"), [(Reply(404), "has no manifest of demisto/x"), (Reply(), "gives no digest")]
)
def test_docker_hub_is_not_asked_in_a_way_that_counts_as_a_pull(
    head: Reply, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oci, "_HUB", ("127.0.0.1",))
    with serve(lambda _: head) as server, pytest.raises(RegistryError, match=message):
        source(server).fetch_digest("demisto/x", "1.0.0.1")
    assert [request.method for request in server.requests] == ["HEAD"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><title>Sign in</title>", "web page"),
        (b"{}", "unexpected"),
        (b"[]", "unexpected"),
        (b" " * (5 << 20), "more than 4 MiB"),
    ],
)
def test_what_is_no_manifest_has_no_digest(body: bytes, message: str) -> None:
    with (
        serve(lambda request: Reply(body=b"" if request.method == "HEAD" else body)) as server,
        pytest.raises(RegistryError, match=message),
    ):
        source(server).fetch_digest("demisto/x", "1.0.0.1")


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
