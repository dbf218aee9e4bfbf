"""Small HTTP servers on loopback whose answers the test decides."""

import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests


@dataclass(frozen=True)
class Request:
    """A request as the server saw it."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What to answer.

    Attributes:
        status: HTTP status.
        body: The body.
        headers: Beside the length.
        promised: Length to promise, when it is not the body's.
        drip_seconds: Pause before every byte.
        repeat: How often to send the body, for floods that must not be held in memory.
        hang_up: Close the connection without an answer.
        delay_seconds: Pause before the answer.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    drip_seconds: float = 0
    repeat: int = 1
    hang_up: bool = False
    delay_seconds: float = 0


Answerer = Callable[[Request], Reply]


@dataclass
class Server:
    """A running server: its address, how often it was connected to, and every request it saw."""

    url: str
    connections: int = 0
    requests: list[Request] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Return method and path of every request, in order of arrival."""
        return [f"{request.method} {request.path}" for request in self.requests]


@contextmanager
def serve(answer: Answerer, certificate: Path | None = None) -> Iterator[Server]:
    """Serve on a free loopback port until the block ends, with TLS if there is a certificate with its key."""
    server = Server("")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # headers and body in one packet; else every answer waits for a delayed ACK

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(
                self.command, parts.path, parse_qs(parts.query), headers, self.rfile.read(length)
            )
            with lock:
                server.requests.append(request)
            reply = answer(request)
            if reply.delay_seconds:
                time.sleep(reply.delay_seconds)
            if reply.hang_up:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(reply.promised or len(reply.body) * reply.repeat))
            self.end_headers()
            if self.command != "HEAD":
                self._write(reply)
            if reply.promised is not None:
                self.close_connection = True

        def _write(self, reply: Reply) -> None:
            try:
                for _ in range(reply.repeat):
                    if not reply.drip_seconds:
                        self.wfile.write(reply.body)
                        continue
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(reply.drip_seconds)
            except OSError:
                self.close_connection = True  # the client has seen enough

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    class QuietServer(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            server.connections += 1
            super().process_request(request, client_address)

        def handle_error(self, request: object, client_address: object) -> None:
            """Keep quiet about clients that hang up."""

    http = QuietServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Each handshake in the thread of its connection: one that is refused must not hold up the others.
        http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    server.url = f"http{'s' if certificate else ''}://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a server that was just started; its log tells why when it ends instead."""
    for _ in range(500):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once: {log.read_text()}")
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.02)
    raise RuntimeError("the server did not answer")


def packed(data: bytes) -> Reply:
    """Return a reply that is small on the wire and large when unpacked."""
    return Reply(body=gzip.compress(data), headers={"Content-Encoding": "gzip"})


@contextmanager
def send_raw(pieces: Iterable[bytes], pause_seconds: float = 0) -> Iterator[str]:
    """Serve one connection on loopback with bytes that no proper server sends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):  # the client has seen enough
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1 << 16)
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause_seconds)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    thread.join()
