import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace
from pydantic import BaseModel

from autobump.support.errors import RegistryError
from autobump.support.http.answer import Answer
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.http.headers import MAX_LENGTH
from tests.fixtures.certificates import self_signed
from tests.fixtures.servers import Reply, Request, Server, packed, serve

QUICK = HttpLimits(connect_seconds=2, idle_seconds=0.5, answer_seconds=1, answer_bytes=1 << 20, attempts=3)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(waits: list[float]) -> HttpClient:
    return HttpClient(QUICK, sleep=waits.append)


def replies(*given: Reply) -> Callable[[Request], Reply]:
    """Answer with one reply after the other, the last one for ever."""
    queue = list(given)
    return lambda _: queue.pop(0) if len(queue) > 1 else queue[0]


@pytest.mark.parametrize(
    "status", [408, 429, 500, 502, 503, 504, 507, 520, 521, 522, 524, 525, 527, 530, 599]
)
def test_passing_failure_is_tried_again(client: HttpClient, waits: list[float], status: int) -> None:
    with serve(replies(Reply(status), Reply(body=b"ok"))) as server:
        assert client.send("GET", server.url).body == b"ok"
    assert waits == [1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501, 505])
def test_final_answer_is_not_tried_again(client: HttpClient, status: int) -> None:
    with serve(replies(Reply(status))) as server:
        assert client.send("GET", server.url).status == status
    assert len(server.requests) == 1


def test_lasting_failure_is_told_with_what_the_server_says(client: HttpClient) -> None:
    body = json.dumps({"detail": "Rate limit exceeded", "error": False}).encode()
    with serve(replies(Reply(429, body))) as server, pytest.raises(RegistryError, match="429: Rate limit"):
        client.send("GET", f"{server.url}/v2/x")
    assert len(server.requests) == QUICK.attempts


def test_server_says_how_long_to_wait(client: HttpClient, waits: list[float]) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    reset = str(int(time.time()) + 30)
    with serve(
        replies(
            Reply(429, headers={"Retry-After": "7"}),
            Reply(429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}),
            Reply(),
        )
    ) as server:
        client.send("GET", server.url)
    assert waits[0] == 7
    assert 20 < waits[1] <= 30
    with serve(replies(Reply(503, headers={"Retry-After": later}), Reply())) as server:
        client.send("GET", server.url)
    assert 40 < waits[2] <= 50


@pytest.mark.parametrize("name", ["Retry-After", "X-Retry-After"])
def test_refusal_that_says_until_when_is_a_limit(client: HttpClient, waits: list[float], name: str) -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=50)).isoformat()
    asked = ["7", moment, str(int(time.time()) + 50)]
    refusals = [Reply(403, headers={name: value}) for value in asked[:2]]
    with serve(replies(*refusals, Reply(body=b"ok"))) as server:
        assert client.send("GET", server.url).body == b"ok"
    assert waits[0] == 7
    assert 40 < waits[1] <= 50
    with serve(replies(Reply(429, headers={name: asked[2]}), Reply())) as server:
        client.send("GET", server.url)
    assert 40 < waits[2] <= 50


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(503, b"<html><title>Maintenance</title></html>"),
            r"503 with a web page \(Maintenance\): .*127",
        ),
        (Reply(522, b"error code: 522", {"Content-Type": "text/plain"}), "522: error code: 522"),
        (Reply(500, b'{"errors": [{"code": "UNKNOWN", "message": "disk full"}]}'), "500: disk full"),
        (Reply(500, b'{"errors": [{"code": "UNKNOWN"}]}'), "500: UNKNOWN"),
        (Reply(500, b'{"message": "a\\u001b[31m\\nb"}'), r"500: a\\x1b\[31m$"),
        (Reply(500, b"\xff\xfe"), "answered 500$"),
    ],
)
def test_error_tells_what_the_answer_says(client: HttpClient, reply: Reply, said: str) -> None:
    with serve(replies(reply)) as server, pytest.raises(RegistryError, match=said):
        client.send("GET", f"{server.url}/v2/x")


def test_all_waiting_of_a_pass_is_bounded(client: HttpClient, waits: list[float]) -> None:
    with serve(replies(Reply(429, headers={"Retry-After": "100"}))) as server:
        for _ in range(3):
            with pytest.raises(RegistryError, match="asks to wait 100 s"):
                client.send("GET", server.url)
    assert waits == [100.0]
    assert len(server.requests) == 4


def test_broken_connection_is_tried_again_and_told(client: HttpClient, waits: list[float]) -> None:
    with serve(replies(Reply(hang_up=True), Reply(body=b"ok"))) as server:
        assert client.send("GET", server.url).body == b"ok"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(RegistryError, match="cannot be reached: Connection refused"):
        client.send("GET", closed)


def test_answer_broken_off_is_tried_again(client: HttpClient) -> None:
    with serve(replies(Reply(body=b"half", promised=100), Reply(body=b"whole"))) as server:
        assert client.send("GET", server.url).body == b"whole"


def test_silent_server_is_given_up(client: HttpClient) -> None:
    def late(_: Request) -> Reply:
        time.sleep(1)
        return Reply()

    with (
        serve(late) as server,
        pytest.raises(RegistryError, match="in time"),
    ):
        client.send("GET", server.url)


def test_dripping_server_is_given_up(client: HttpClient) -> None:
    drip = Reply(body=b"x" * (1 << 17), drip_seconds=0.00005)
    with serve(replies(drip)) as server, pytest.raises(RegistryError, match="took more than"):
        client.send("GET", server.url)
    assert len(server.requests) == 1


def test_time_of_all_answers_of_a_pass_is_bounded() -> None:
    patient = HttpClient(replace(QUICK, total_seconds=0.2))
    with serve(replies(Reply(body=b"ok", delay_seconds=0.25))) as server:
        with pytest.raises(RegistryError, match="took more than"):
            patient.send("GET", server.url)
        for _ in range(3):
            with pytest.raises(RegistryError, match="asked no more: this pass gave 0 s"):
                patient.send("GET", server.url)
    assert len(server.requests) == 1


def test_pages_of_a_list_are_bounded_in_number_and_in_time() -> None:
    with pytest.raises(RegistryError, match="the list has more than 3 pages"):
        list(HttpClient(replace(QUICK, list_pages=3)).count_pages("the list"))
    pages = HttpClient(replace(QUICK, list_seconds=0.05)).count_pages("the list")
    assert next(pages) == 0
    time.sleep(0.1)
    with pytest.raises(RegistryError, match="the list took more than 0 s"):
        next(pages)


@pytest.mark.parametrize("reply", [Reply(body=b"x" * 1024, repeat=50 * 1024), packed(b"x" * (50 << 20))])
def test_flood_is_not_taken_in(client: HttpClient, reply: Reply) -> None:
    with serve(replies(reply)) as server, pytest.raises(RegistryError, match="more than 1 MiB"):
        client.send("GET", server.url)


def test_flood_in_the_body_of_a_redirect_is_not_taken_in(client: HttpClient) -> None:
    flood = Reply(302, b"x" * 1024, {"Location": "/"}, repeat=50 * 1024)
    with serve(replies(flood)) as server, pytest.raises(RegistryError, match="more than 1 MiB"):
        client.send("GET", server.url)


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with serve(lambda _: Reply(body=b"elsewhere")) as server:
        yield server


def test_credentials_do_not_follow_a_redirect_to_another_host(client: HttpClient, elsewhere: Server) -> None:
    redirect = Reply(307, headers={"Location": f"{elsewhere.url}/x"})
    with serve(replies(redirect)) as server:
        assert client.send("GET", server.url, authorization="Bearer sesame").body == b"elsewhere"
    assert server.requests[0].headers["authorization"] == "Bearer sesame"
    assert "authorization" not in elsewhere.requests[0].headers


def test_credentials_follow_a_redirect_on_the_same_host(client: HttpClient) -> None:
    def answer(request: Request) -> Reply:
        return Reply(302, headers={"Location": "/b"}) if request.path == "/a" else Reply(body=b"b")

    with serve(answer) as server:
        assert client.send("GET", f"{server.url}/a", authorization="Bearer sesame").body == b"b"
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer sesame"] * 2


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "javascript:x"])
def test_redirect_to_another_protocol_is_refused(client: HttpClient, location: str) -> None:
    with (
        serve(replies(Reply(302, headers={"Location": location}))) as server,
        pytest.raises(RegistryError, match="not followed"),
    ):
        client.send("GET", server.url)


def test_redirect_out_of_tls_is_refused(
    client: HttpClient, elsewhere: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    redirect = replies(Reply(302, headers={"Location": f"{elsewhere.url}/x"}))
    with serve(redirect, certificate) as server, pytest.raises(RegistryError, match="not followed"):
        client.send("GET", server.url, authorization="Bearer sesame")
    assert (len(server.requests), elsewhere.requests) == (1, [])


def test_certificate_nobody_vouches_for_is_told_and_not_tried_again(
    client: HttpClient, waits: list[float], tmp_path: Path
) -> None:
    with (
        serve(replies(Reply()), self_signed(tmp_path)) as server,
        pytest.raises(RegistryError, match="the certificate cannot be verified"),
    ):
        client.send("GET", server.url, authorization="Bearer sesame")
    assert (server.connections, server.requests, waits) == (1, [], [])


@pytest.mark.parametrize(
    "headers",
    [{f"X-{number}": "x" for number in range(1000)}, {"X-Long": "x" * 100_000}],
    ids=["many", "long"],
)
def test_flood_of_headers_is_not_taken_in(client: HttpClient, headers: dict[str, str]) -> None:
    with (
        serve(replies(Reply(headers=headers))) as server,
        pytest.raises(RegistryError, match="cannot be reached"),
    ):
        client.send("GET", server.url)
    assert len(server.requests) == QUICK.attempts


@pytest.mark.parametrize("name", ["Link", "WWW-Authenticate", "Retry-After", "Location", "ETag"])
@pytest.mark.parametrize("lines", [1, 8])
def test_header_that_is_read_is_refused_when_it_is_too_long(
    client: HttpClient, name: str, lines: int
) -> None:
    long = "<" * (MAX_LENGTH // lines + 1)
    headers = dict.fromkeys(spellings(name, lines), long)
    with (
        serve(replies(Reply(headers=headers))) as server,
        pytest.raises(RegistryError, match=f"more than {MAX_LENGTH} characters of {name.lower()}"),
    ):
        client.send("GET", server.url)


def spellings(name: str, number: int) -> list[str]:
    """Return a name in so many mixtures of upper and lower case, as a server here has a header once."""
    letters = [(letter.lower(), letter.upper()) for letter in name if letter != "-"][:3]
    return ["".join(spelling) + name[3:] for spelling in product(*letters)][:number]


def test_header_that_nobody_reads_may_be_long(client: HttpClient) -> None:
    with serve(replies(Reply(body=b"ok", headers={"X-Policy": "x" * 60_000}))) as server:
        answer = client.send("GET", server.url)
    assert (answer.body, answer.headers) == (b"ok", {})


def test_redirect_in_circles_ends(client: HttpClient) -> None:
    with (
        serve(replies(Reply(302, headers={"Location": "/"}))) as server,
        pytest.raises(RegistryError, match="circles"),
    ):
        client.send("GET", server.url)


def test_post_is_not_redirected(client: HttpClient, elsewhere: Server) -> None:
    with (
        serve(replies(Reply(307, headers={"Location": elsewhere.url}))) as server,
        pytest.raises(RegistryError, match="not followed"),
    ):
        client.send("POST", server.url, json={"secret": "x"})
    assert elsewhere.requests == []


def test_credentials_of_a_netrc_are_not_sent(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password sesame\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serve(replies(Reply())) as server:
        client.send("GET", server.url)
    assert "authorization" not in server.requests[0].headers


def test_cookies_are_not_kept(client: HttpClient) -> None:
    with serve(replies(Reply(headers={"Set-Cookie": "id=1"}))) as server:
        client.send("GET", server.url)
        client.send("GET", server.url)
    assert "cookie" not in server.requests[1].headers


def test_client_says_who_it_is(client: HttpClient) -> None:
    with serve(replies(Reply())) as server:
        client.send("GET", server.url)
    assert server.requests[0].headers["user-agent"].startswith("autobump/")


class _Model(BaseModel):
    number: int


@pytest.mark.parametrize("body", [b"", b"{", b'{"number": "x"}', b"[]", b"\xff"])
def test_unexpected_json_is_told_without_repeating_it(client: HttpClient, body: bytes) -> None:
    with serve(replies(Reply(body=body))) as server, pytest.raises(RegistryError, match="unexpected"):
        client.send("GET", server.url).parse(_Model)


@pytest.mark.parametrize("piece", [b"{},", b"[],", b'{"a":[0]},', b'"",'])
def test_json_of_more_values_than_memory_is_kept_for_is_not_parsed(piece: bytes) -> None:
    body = b"[" + piece * 300_000 + b"0]"
    with pytest.raises(RegistryError, match="answered more than 250000 values"):
        Answer(200, {}, body, "https://x/").parse(_Model)


def test_answer_may_be_given_another_largest_size(client: HttpClient) -> None:
    with serve(replies(Reply(body=b"x" * 2048))) as server:
        assert len(client.send("GET", server.url, most_bytes=2048).body) == 2048
        with pytest.raises(RegistryError, match="answered more than 1 KiB"):
            client.send("GET", server.url, most_bytes=1024)


def test_waiting_is_logged_without_secrets(client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serve(replies(Reply(500), Reply())) as server:
        client.send("GET", f"{server.url}/?token=sesame", authorization="Bearer sesame")
    own = [record for record in caplog.records if record.name.startswith("autobump")]
    assert own
    assert "sesame" not in str([record.__dict__ for record in own])
