"""Why a server could not be reached, told of real connections."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from autobump.support.http.reach import say_why


def fail(url: str, timeout: float = 5) -> requests.RequestException:
    with pytest.raises(requests.RequestException) as caught:
        requests.get(url, timeout=timeout)
    return caught.value


@contextmanager
def listening(behave: Callable[[socket.socket], object]) -> Iterator[str]:
    """Give one connection to a function, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)


def test_port_that_nobody_listens_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert say_why(fail(f"http://127.0.0.1:{port}")) == "Connection refused"


def test_name_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    told = "its name is not known here (Name or service not known)"
    assert say_why(fail("http://nowhere.invalid")) == told


def test_server_that_says_nothing() -> None:
    with listening(lambda connection: connection.recv(1 << 16) and connection.recv(1)) as place:
        assert say_why(fail(f"http://{place}", timeout=0.2)) == "it did not answer in time"


def test_server_that_hangs_up() -> None:
    with listening(lambda connection: connection.recv(1 << 16)) as place:
        assert say_why(fail(f"http://{place}")) == "the connection was closed without an answer"


def test_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with listening(refuse) as place:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        told = say_why(fail("https://api.example"))
    assert told == "the proxy does not let the request through"


def test_server_that_floods_with_headers() -> None:
    def flood(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n")

    with listening(flood) as place:
        told = say_why(fail(f"http://{place}"))
    assert told == "its answer is not to be understood (HTTPException)"


def test_what_is_no_failure_of_the_network_is_named() -> None:
    told = say_why(requests.exceptions.InvalidHeader("x"))
    assert told == "its answer is not to be understood (InvalidHeader)"
