"""One container with the runner in it: requests go in, observations come out, each within its time."""

import itertools
import json
import os
import secrets
import select
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib import resources
from typing import Any, Self

from autobump.evidence.compare import read_observation
from autobump.evidence.engine import Bounds, Engine, EngineError, name_container

_BOOT = "import sys,json;exec(json.loads(sys.stdin.readline()))"
"""Takes the runner from stdin, so that nothing of this machine is mounted."""

_START_SECONDS = 60
_GRACE_SECONDS = 20
_MOST_ANSWER = 8 * 1024 * 1024
_MOST_COMPLAINT = 64 * 1024
_numbers = itertools.count(1)


class ContainerLostError(Exception):
    """The container, or the runner in it, ended or keeps silent."""


class Container:
    """A container that runs items one after the other.

    Attributes:
        python: Version of its Python, such as `(3, 11, 2)`.
        implementation: `CPython` or `PyPy`.
        mount: The folder that it sees, or empty.
    """

    def __init__(self, engine: Engine, image: str, bounds: Bounds, mount: str = "") -> None:
        """Start it.

        Raises:
            EngineError: It does not start; the message says what to do.
        """
        self._engine = engine
        self._name = name_container(next(_numbers))
        self._pending = b""
        self.mount = mount
        command = engine.run_command(image, self._name, _BOOT, bounds, mount)
        # When memory runs out, podman's monitor leaves a file in the folder that podman was started in.
        self._folder = tempfile.TemporaryDirectory(prefix="autobump-", ignore_cleanup_errors=True)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._folder.name,
                start_new_session=True,  # Ctrl-C is for autobump, which then ends the container
            )
        except OSError as exc:
            self._folder.cleanup()
            raise EngineError(f"{engine.name} cannot be started: {exc.strerror or exc}") from exc
        try:
            self._send(resources.files("autobump.evidence.runner").joinpath("loop.py").read_text())
            hello = self._receive("ready", _START_SECONDS)
            self.python = tuple(int(part) for part in hello["python"])
            self.implementation = str(hello["implementation"])
        except ContainerLostError as exc:
            raise EngineError(self._complaint(image) or f"{image} {exc}") from exc
        except (KeyError, TypeError, ValueError) as exc:
            self.close()
            raise EngineError(f"the python of {image} is not one that autobump knows") from exc
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Use it, and end it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Run one item, or what the next items share, and return what was observed.

        Args:
            request: See the runner.
            seconds: The runner ends the item after this time.

        Raises:
            ContainerLostError: There is no container any more; start another for the next item.
        """
        try:
            self._send(request | {"timeout": seconds})
            # What the item wrote in the name of the runner came before this number was known.
            self._receive("done", seconds + _GRACE_SECONDS)
            number = secrets.token_hex(16)
            self._send({"number": number})
            while True:
                answer = self._receive("completed", _GRACE_SECONDS)
                if answer.get("number") == number:
                    return read_observation(answer.get("observation"))
        except ContainerLostError:
            self.close()
            raise

    def close(self) -> None:
        """End the container and everything in it."""
        process = self._process
        if process.stdin and not process.stdin.closed:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            self._engine.kill(self._name)
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
        self._folder.cleanup()

    def _send(self, message: object) -> None:
        stdin = self._process.stdin
        if stdin is None:
            raise ContainerLostError("has no stdin")
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except (OSError, ValueError) as exc:
            raise ContainerLostError("ended before it was asked") from exc

    def _receive(self, kind: str, seconds: float) -> dict[str, Any]:
        """Return the next message of a kind; what else stands on stdout is dropped."""
        end, read = time.monotonic() + seconds, 0
        while True:
            while b"\n" in self._pending:
                line, self._pending = self._pending.split(b"\n", 1)
                try:
                    message = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(message, dict) and message.get("type") == kind:
                    return message
            chunk = self._read(end - time.monotonic())
            read += len(chunk)
            if read > _MOST_ANSWER:
                raise ContainerLostError(f"wrote more than {_MOST_ANSWER:,} bytes")
            self._pending += chunk

    def _read(self, seconds: float) -> bytes:
        stdout = self._process.stdout
        if stdout is None or seconds <= 0 or not select.select([stdout], [], [], seconds)[0]:
            raise ContainerLostError("does not answer")
        if not (chunk := os.read(stdout.fileno(), 65536)):
            raise ContainerLostError("ended without an answer")
        return chunk

    def _complaint(self, image: str) -> str:
        """Return in a line what the engine said when the container did not start."""
        stderr, text = self._process.stderr, b""
        end = time.monotonic() + 2
        while stderr and len(text) < _MOST_COMPLAINT and (left := end - time.monotonic()) > 0:
            if not select.select([stderr], [], [], left)[0] or not (chunk := os.read(stderr.fileno(), 65536)):
                break
            text += chunk
        self.close()
        said = text.decode("utf-8", "replace")
        return self._engine.explain(said, f"start {image}") if said.strip() else ""
