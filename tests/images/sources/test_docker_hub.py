import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobump.images.sources.cache import TagCache
from autobump.images.sources.docker_hub import DockerHubSource
from autobump.support.errors import ImageNotFoundError, RegistryError
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.secrets import Secret
from tests.fixtures.hub import HubStandIn
from tests.fixtures.servers import Reply, Server, serve

QUICK = HttpLimits(idle_seconds=1, answer_seconds=1, answer_bytes=1 << 20, attempts=2, total_wait_seconds=5)


def facts(day: int, digit: str = "a") -> dict[str, Any]:
    return {"created": f"2026-01-{day:02}T00:00:00.123456Z", "digest": f"sha256:{digit * 64}"}


def many_tags(count: int) -> dict[str, dict[str, Any]]:
    return {
        f"1.0.0.{number}": {"created": f"{2000 + number}-01-01T00:00:00Z"} for number in range(1, count + 1)
    }


def source(server: Server, cache: Path | None = None, **account: Any) -> DockerHubSource:
    client = HttpClient(QUICK, sleep=lambda _: None)
    return DockerHubSource(client, TagCache(cache), base_url=server.url, **account)


def run_hub(hub: HubStandIn) -> Any:
    return serve(hub.answer)


def names(tags: Any) -> set[str]:
    return {tag.name for tag in tags}


def ask_again(server: Server, cache: Path, image: str = "demisto/x") -> tuple[DockerHubSource, set[str]]:
    """Return a source as the next pass opens it, and the tags that it gives of an image."""
    server.requests.clear()
    again = source(server, cache)
    again.prepare({image: ()})
    return again, names(again.fetch_tags(image))


def test_tags_come_with_date_and_digest() -> None:
    hub = HubStandIn({"x": {"1.0.0.1": facts(1)}})
    with run_hub(hub) as server:
        (tag,) = source(server).fetch_tags("demisto/x")
    assert tag.created == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert tag.digest == "sha256:" + "a" * 64


def test_all_pages_are_read() -> None:
    hub = HubStandIn({"x": many_tags(250)})
    with run_hub(hub) as server:
        hub.url = server.url
        assert len(source(server).fetch_tags("demisto/x")) == 250
    assert len(server.requests) == 3


def test_unknown_image_is_not_found_once_its_own_tags_are_asked_for() -> None:
    hub = HubStandIn({"x": many_tags(1)})
    with run_hub(hub) as server:
        hub_source = source(server)
        hub_source.prepare({"demisto/none": ()})
        with pytest.raises(ImageNotFoundError):
            hub_source.fetch_tags("demisto/none")
    assert server.paths() == [
        "GET /v2/namespaces/demisto/repositories",
        "GET /v2/namespaces/demisto/repositories/none/tags",
    ]


def test_image_that_moves_to_the_front_of_the_list_while_it_is_read_is_found(tmp_path: Path) -> None:
    old, new = facts(1), facts(9)
    hub = HubStandIn({name: {"1.0.0.1": old} for name in "abz"}, page_size=2)

    def pushing(request: Any) -> Reply:
        reply = hub.answer(request)
        if request.path == "/v2/namespaces/demisto/repositories":  # z is pushed, and the Hub sorts by that
            hub.images = {"z": {"1.0.0.1": old, "1.0.0.2": new}, "a": hub.images["a"], "b": hub.images["b"]}
        return reply

    with serve(pushing) as server:
        hub.url = server.url
        assert ask_again(server, tmp_path, "demisto/z")[1] == {"1.0.0.1", "1.0.0.2"}
    assert server.paths() == [
        "GET /v2/namespaces/demisto/repositories",
        "GET /v2/namespaces/demisto/repositories",
        "GET /v2/namespaces/demisto/repositories/z/tags",
    ]


def test_namespace_is_listed_once_for_several_repositories() -> None:
    hub = HubStandIn({"x": many_tags(1), "y": many_tags(2)})
    with run_hub(hub) as server:
        hub_source = source(server)
        for image in ("demisto/x", "demisto/y"):
            hub_source.prepare({image: ()})
            assert hub_source.fetch_tags(image)
    assert server.paths().count("GET /v2/namespaces/demisto/repositories") == 1


def test_namespace_that_could_not_be_listed_is_tried_again_for_the_next_repository() -> None:
    hub = HubStandIn({"x": many_tags(1)}, replies={"/v2/namespaces/demisto/repositories": [Reply(403)]})
    with run_hub(hub) as server:
        hub_source = source(server)
        hub_source.prepare({"demisto/y": ()})
        hub.replies = {}
        hub_source.prepare({"demisto/x": ()})
        assert names(hub_source.fetch_tags("demisto/x")) == {"1.0.0.1"}


def test_page_that_vanishes_behind_the_first_is_no_missing_image() -> None:
    hub = HubStandIn({"x": many_tags(5)}, page_size=2)

    def shrinking(request: Any) -> Reply:
        return Reply(404) if "page" in request.query else hub.answer(request)

    with serve(shrinking) as server:
        hub.url = server.url
        with pytest.raises(RegistryError, match="answered 404") as raised:
            source(server).fetch_tags("demisto/x")
    assert not isinstance(raised.value, ImageNotFoundError)


def test_second_run_asks_for_changed_images_only_and_stops_at_what_is_known(tmp_path: Path) -> None:
    hub = HubStandIn({"x": many_tags(250), "y": many_tags(250)})
    with run_hub(hub) as server:
        hub.url = server.url
        first = source(server, tmp_path)
        first.prepare({"demisto/x": (), "demisto/y": ()})
        before = {name: names(first.fetch_tags(f"demisto/{name}")) for name in "xy"}
        server.requests.clear()

        idle = source(server, tmp_path)
        idle.prepare({"demisto/x": (), "demisto/y": ()})
        assert {name: names(idle.fetch_tags(f"demisto/{name}")) for name in "xy"} == before
        assert server.paths() == ["GET /v2/namespaces/demisto/repositories"]
        server.requests.clear()

        hub.images["x"]["9.9.9.9999"] = {"created": "2999-01-01T00:00:00Z"}
        third = source(server, tmp_path)
        third.prepare({"demisto/x": (), "demisto/y": ()})
        assert names(third.fetch_tags("demisto/x")) == before["x"] | {"9.9.9.9999"}
        assert names(third.fetch_tags("demisto/y")) == before["y"]
        assert server.paths() == [
            "GET /v2/namespaces/demisto/repositories",
            "GET /v2/namespaces/demisto/repositories/x/tags",
            "GET /v2/namespaces/demisto/repositories/x/tags",
        ]


@pytest.mark.parametrize("withdrawn", ["1.0.0.7", "1.0.0.2"], ids=["the newest", "one far behind"])
def test_withdrawn_tag_is_gone_once_the_image_changes(tmp_path: Path, withdrawn: str) -> None:
    tags = {f"1.0.0.{number}": facts(number) for number in range(1, 8)}
    hub = HubStandIn({"x": tags}, page_size=2)
    with run_hub(hub) as server:
        hub.url = server.url
        assert ask_again(server, tmp_path)[1] == set(tags)
        del tags[withdrawn]
        tags["latest"] = facts(9)
        assert ask_again(server, tmp_path)[1] == set(tags)
        tags["latest"] = facts(10)
        assert ask_again(server, tmp_path)[1] == set(tags)
        assert len(server.requests) == 3, "what was withdrawn long ago costs nothing any more"


def test_remembered_tag_is_asked_for_and_one_that_is_gone_is_remembered_no_more(tmp_path: Path) -> None:
    tags = {"1.0.0.1": facts(1), "1.0.0.2": facts(2), "1.0.0.3": facts(2, "b")}
    hub = HubStandIn({"x": tags})
    with run_hub(hub) as server:
        ask_again(server, tmp_path)
        del tags["1.0.0.3"]  # and the Hub's list of images says nothing of it
        after, known = ask_again(server, tmp_path)
        assert known == {"1.0.0.1", "1.0.0.2", "1.0.0.3"}
        with pytest.raises(ImageNotFoundError, match=r"no manifest of demisto/x:1\.0\.0\.3"):
            after.fetch_digest("demisto/x", "1.0.0.3")
        assert server.paths() == [
            "GET /v2/namespaces/demisto/repositories",
            "GET /v2/namespaces/demisto/repositories/x/tags/1.0.0.3",
        ]
        assert ask_again(server, tmp_path)[1] == {"1.0.0.1", "1.0.0.2"}


def test_list_that_changes_between_pages_loses_no_tag() -> None:
    hub = HubStandIn({"x": many_tags(150)})
    with run_hub(hub) as server:
        hub.url = server.url
        answered = hub.answer

        def pushing(request: Any) -> Reply:
            reply = answered(request)
            hub.images["x"].setdefault("9.9.9.9999", {"created": "2999-01-01T00:00:00Z"})
            return reply

        with serve(pushing) as moving:
            hub.url = moving.url
            tags = source(moving).fetch_tags("demisto/x")
    assert names(tags) >= set(many_tags(150))
    assert len(tags) == len(names(tags))


def test_malformed_tag_costs_that_tag() -> None:
    good = {"name": "1.0.0.1", "last_updated": "2026-01-01T00:00:00Z"}
    odd = [
        {"name": 5},
        {"name": ""},
        {},
        None,
        "x",
        {"name": "1.0.0.2", "last_updated": "yesterday"},
        {"name": "1.0.0.3", "digest": "x"},
    ]
    body = json.dumps({"next": None, "results": [*odd, good]}).encode()
    hub = HubStandIn({}, replies={"*": [Reply(body=body)]})
    with run_hub(hub) as server:
        assert names(source(server).fetch_tags("demisto/x")) == {"1.0.0.1"}


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            Reply(429, b'{"detail": "Rate limit exceeded", "error": false}', {"Retry-After": "600"}),
            "429: Rate limit",
        ),
        (Reply(500), "answered 500"),
        (Reply(403), "answered 403"),
        (Reply(body=b'{"next": null, "results": [{"name": "1.0'), "unexpected"),
        (Reply(body=b'{"next": 5, "results": []}'), "unexpected"),
        (Reply(body=b'{"results": "none"}'), "unexpected"),
        (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), "web page"),
        (Reply(body=b"x" * (1 << 17), drip_seconds=0.00005), "took more than"),
        (Reply(body=b"x" * 1024, repeat=50 * 1024), "more than 1 MiB"),
        (Reply(302, headers={"Location": "ftp://127.0.0.1/"}), "not followed"),
        (Reply(hang_up=True), "cannot be reached"),
        (Reply(body=b'{"next": "http://127.0.0.1:1/x", "results": []}'), "another host"),
    ],
)
def test_every_fault_is_told_and_costs_its_image_only(reply: Reply, message: str) -> None:
    hub = HubStandIn(
        {"x": many_tags(1), "y": many_tags(1)},
        replies={"/v2/namespaces/demisto/repositories/x/tags": [reply]},
    )
    with run_hub(hub) as server:
        hub_source = source(server)
        hub_source.prepare({"demisto/x": (), "demisto/y": ()})
        with pytest.raises(RegistryError, match=message):
            hub_source.fetch_tags("demisto/x")
        assert names(hub_source.fetch_tags("demisto/y")) == {"1.0.0.1"}


def test_page_of_more_entries_than_were_asked_for_is_an_error() -> None:
    body = json.dumps({"next": None, "results": [{"name": "1.0.0.1"}] * 201}).encode()
    with run_hub(HubStandIn({}, replies={"*": [Reply(body=body)]})) as server:
        hub_source = source(server)
        hub_source.prepare({"demisto/x": ()})
        with pytest.raises(RegistryError, match=r"could not list demisto.* 200 items"):
            hub_source.fetch_tags("demisto/x")


def test_more_tags_than_an_image_can_have_are_an_error() -> None:
    hub = HubStandIn({"x": {f"1.0.0.{number}": {} for number in range(10_001)}}, page_size=200)
    with run_hub(hub) as server:
        hub.url = server.url
        with pytest.raises(RegistryError, match="demisto/x has more than 10,000 tags"):
            source(server).fetch_tags("demisto/x")


def test_list_without_end_ends() -> None:
    with run_hub(HubStandIn({})) as server:
        body = json.dumps({"next": f"{server.url}/v2/more", "results": []}).encode()
        with serve(
            lambda _: Reply(body=body.replace(server.url.encode(), endless_url[0].encode()))
        ) as endless:
            endless_url = [endless.url]
            with pytest.raises(RegistryError, match="pages"):
                source(endless).fetch_tags("demisto/x")


def test_failed_list_of_images_is_told_for_each_image() -> None:
    hub = HubStandIn({"x": many_tags(1)}, replies={"/v2/namespaces/demisto/repositories": [Reply(503)]})
    with run_hub(hub) as server:
        hub_source = source(server)
        hub_source.prepare({"demisto/x": ()})
        with pytest.raises(RegistryError, match="could not list demisto"):
            hub_source.fetch_tags("demisto/x")


def test_account_is_used_and_its_token_stays_secret() -> None:
    hub = HubStandIn({"x": many_tags(1)}, account=("me", "sesame"))
    with run_hub(hub) as server:
        hub_source = source(server, username="me", token=Secret("sesame"))
        hub_source.prepare({"demisto/x": ()})
        assert names(hub_source.fetch_tags("demisto/x")) == {"1.0.0.1"}
        assert "sesame" not in repr(vars(hub_source))
        wrong = source(server, username="me", token=Secret("guess"))
        wrong.prepare({"demisto/x": ()})
        with pytest.raises(RegistryError, match="refuses DOCKERHUB_USERNAME"):
            wrong.fetch_tags("demisto/x")


@pytest.mark.parametrize(
    ("reply", "said", "blamed"),
    [
        (Reply(401, b'{"detail": "Incorrect authentication credentials"}'), "Incorrect auth", True),
        (Reply(403, b'{"message": "account is locked"}'), "account is locked", True),
        (Reply(403, b"error code: 1010", {"Content-Type": "text/plain"}), "403: error code: 1010", False),
        (
            Reply(403, b"<!DOCTYPE html><title>Attention!</title>"),
            r"403 with a web page \(Attention!\)",
            False,
        ),
        (Reply(401, b"<html><body>Sign in</body></html>"), "401 with a web page", False),
        (Reply(200, b"<HTML><title>\nCaptive\nportal</title>"), r"200 with a web page \(Captive\)", False),
        (Reply(404, b""), "127.0.0.1 answered 404", False),
    ],
)
def test_login_blames_the_account_only_if_the_hub_does(reply: Reply, said: str, blamed: bool) -> None:
    hub = HubStandIn({"x": many_tags(1)}, replies={"/v2/auth/token": [reply]})
    with run_hub(hub) as server:
        hub_source = source(server, username="me", token=Secret("sesame"))
        hub_source.prepare({"demisto/x": ()})
        with pytest.raises(RegistryError, match=said) as caught:
            hub_source.fetch_tags("demisto/x")
    assert ("DOCKERHUB_USERNAME" in str(caught.value)) == blamed
    assert blamed or "127.0.0.1" in str(caught.value)


DIGESTS = {letter: f"sha256:{letter * 64}" for letter in "abc"}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ({"digest": DIGESTS["a"], "images": [{"digest": DIGESTS["b"]}]}, "a"),
        ({"images": [{"digest": DIGESTS["b"], "architecture": "amd64"}]}, "b"),
        ({"digest": None, "images": [{"digest": DIGESTS["b"]}]}, "b"),
        (
            {
                "images": [
                    {"digest": DIGESTS["c"], "architecture": "arm64"},
                    {"digest": DIGESTS["b"], "architecture": "amd64"},
                ]
            },
            "b",
        ),
        ({"images": [{"digest": "x"}, None, {"digest": DIGESTS["c"], "architecture": "arm64"}]}, "c"),
    ],
)
def test_digest_may_stand_with_the_images_of_a_tag(tag: dict[str, Any], expected: str) -> None:
    tags = json.dumps({"next": None, "results": [{"name": "1.0.0.1", **tag}]}).encode()
    one = json.dumps({"name": "1.0.0.1", **tag}).encode()
    path = "/v2/namespaces/demisto/repositories/x/tags"
    hub = HubStandIn({}, replies={path: [Reply(body=tags)], f"{path}/1.0.0.1": [Reply(body=one)]})
    with run_hub(hub) as server:
        assert source(server).fetch_digest("demisto/x", "1.0.0.1") == DIGESTS[expected]
        (record,) = source(server).fetch_tags("demisto/x")
    assert record.digest == DIGESTS[expected]


def test_digest_that_came_with_the_tags_is_not_asked_for_again() -> None:
    hub = HubStandIn({"x": {"1.0.0.1": facts(1), "1.0.0.2": facts(2, "b")}})
    with run_hub(hub) as server:
        hub_source = source(server)
        assert hub_source.fetch_digest("demisto/x", "1.0.0.2") == "sha256:" + "b" * 64
        hub_source.fetch_tags("demisto/x")
        server.requests.clear()
        assert hub_source.fetch_digest("demisto/x", "1.0.0.1") == "sha256:" + "a" * 64
        assert server.requests == []
        with pytest.raises(ImageNotFoundError, match="manifest"):
            hub_source.fetch_digest("demisto/x", "1.0.0.3")
