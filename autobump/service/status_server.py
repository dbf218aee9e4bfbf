"""Answers /healthz and /metrics over HTTP, on threads of its own."""

import json
import logging
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn

from autobump.service.health import Health
from autobump.support.errors import UsageError

_log = logging.getLogger(__name__)


class StatusServer:
    """A small web server for probes; it answers as long as it is not closed.

    Attributes:
        address: Host and port it listens on; the port is a real one also when 0 was asked for.
    """

    def __init__(
        self,
        address: tuple[str, int],
        health: Callable[[], Health],
        metrics: Callable[[], tuple[str, bytes]],
    ) -> None:
        """Listen.

        Args:
            address: Host and port.
            health: Answers /healthz.
            metrics: Content type and body of /metrics.

        Raises:
            UsageError: The address cannot be used.
        """

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def _handle(self) -> None:
                match self.path.partition("?")[0]:
                    case "/healthz":
                        found = health()
                        body = json.dumps(found.details).encode() + b"\n"
                        self._answer(200 if found.is_well else 503, "application/json", body)
                    case "/metrics":
                        self._answer(200, *metrics())
                    case _:
                        self._answer(404, "text/plain", b"There are /healthz and /metrics.\n")

            do_GET = do_HEAD = _handle

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def version_string(self) -> str:
                return "autobump"

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet: probes come every few seconds."""

        class Server(ThreadingMixIn, TCPServer):
            address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Keep nearly quiet: most are clients that hang up."""
                _log.debug("a request for the status failed", exc_info=True)

        try:
            self._server = Server(address, Handler)
        except OSError as exc:  # a name that cannot be resolved is one as well
            raise UsageError(f"cannot listen on {address[0]}:{address[1]}: {exc.strerror or exc}") from exc
        host, port = self._server.server_address[:2]
        self.address = (str(host), int(port))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="status", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
