"""The container engine: docker or podman, by its command line."""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence

from msgspec import Struct

from autobump.support.printable import printable

_log = logging.getLogger(__name__)

ENGINES = ("docker", "podman")
_NAMES = "autobump-"
_QUICK_SECONDS = 60
_PULL_SECONDS = 3_600
_MOST_SAID = 300
_USER = "65534:65534"
"""Nobody, in every image."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
_NO_PROXIES = [part for name in _PROXIES for each in (name, name.lower()) for part in ("--env", f"{each}=")]
"""Without these docker hands its own proxies to every container, and podman those of this process.

The address of a proxy can hold a password. Source: docker's `ParseProxyConfig`, podman's `--http-proxy`.
"""

_TROUBLES = (
    ("no space left on device", "the disk is full; free space, or lower verify.max_pull"),
    ("permission denied while trying to connect", "this user may not use it; add it to the group docker"),
    ("cannot connect to the docker daemon", "it does not run; start it, or name another with verify.engine"),
    ("unable to connect to podman", "it does not run; start it, or name another with verify.engine"),
    ("exec format error", "the image is made for another architecture than this machine's"),
    ("no image found in manifest list for architecture", "there is no image for this machine's architecture"),
    ("no matching manifest for", "there is no image for this machine's architecture"),
    ("does not match the specified platform", "there is no image for this machine's architecture"),
    ("executable file not found", "the image has no python in its PATH"),
    ("no such file or directory", "the image has no python that runs"),
    ("manifest unknown", "the registry has no such image"),
    ("name unknown", "the registry has no such image"),
    ("permission denied", ""),
    ("unauthorized", "the registry wants a login; see docker login or podman login"),
    ("denied", "the registry does not let autobump have it; see docker login or podman login"),
    ("toomanyrequests", "the registry's limit of pulls is reached; log in, or try later"),
)  # fmt: skip
"""What engines and registries say, in lower case, and what it means; the first that fits counts.

Where no meaning stands, the engine's own words are told: a file that may not be read is no registry's matter.

Source: messages of podman 4.3, docker 20 to 27 and the distribution registry, seen here or in their reports.
"""


class EngineError(Exception):
    """The engine did not do what it was asked; the message says what to do."""


class Bounds(Struct, frozen=True):
    """What a container may use.

    Attributes:
        memory: Bytes.
        processes: At most so many at once.
        scratch: Bytes below `/tmp`, the only place that can be written.
        arguments: More arguments of the engine's `run`.
    """

    memory: int = 1 << 30
    processes: int = 64
    scratch: int = 256 << 20
    arguments: tuple[str, ...] = ()


class Engine(Struct, frozen=True):
    """A container engine.

    Attributes:
        name: `docker` or `podman`, the command that is started.
    """

    name: str

    def check(self) -> None:
        """Make sure that it answers.

        Raises:
            EngineError: It does not.
        """
        self._ask("version", "--format", "{{json .}}", what="be used")

    def has(self, image: str) -> bool:
        """Whether an image is on this machine."""
        return self._run(["image", "inspect", image], _QUICK_SECONDS).returncode == 0

    def pull(self, image: str, *, plain_http: bool = False) -> None:
        """Bring an image to this machine.

        Args:
            image: With its registry and a digest or tag.
            plain_http: Whether that registry speaks HTTP without TLS.

        Raises:
            EngineError: It cannot be had.
        """
        # Docker takes registries of this machine without TLS by itself, and has no option for others.
        options = ["--tls-verify=false"] if plain_http and self.name == "podman" else []
        self._ask("pull", "--quiet", *options, image, what=f"pull {image}", seconds=_PULL_SECONDS)

    def describe(self, image: str) -> tuple[str, int]:
        """Return what names the contents of an image on this machine, and its size in bytes.

        Raises:
            EngineError: It is not on this machine.
        """
        text = self._ask("image", "inspect", image, what=f"look at {image}")
        try:
            (facts,) = json.loads(text)
            return str(facts["Id"]).removeprefix("sha256:"), int(facts["Size"])
        except (ValueError, KeyError, TypeError) as exc:
            raise EngineError(f"{self.name} describes {image} in a way that cannot be read: {exc}") from exc

    def remove(self, image: str) -> None:
        """Remove an image from this machine, if it can be."""
        self._try("rmi", image)

    def run_command(self, image: str, name: str, code: str, bounds: Bounds, mount: str = "") -> list[str]:
        """Return the command line that runs Python code in an image, with no network and nothing to write to.

        Args:
            image: On this machine.
            name: Of the container, see `name_container`.
            code: What Python executes.
            bounds: What it may use.
            mount: A folder that it sees as `/wheels`, which it can only read; empty for none.
        """
        return [
            self.name, "run", "--rm", "--interactive", "--pull", "never",
            "--name", name,
            "--network", "none", "--read-only",
            "--tmpfs", f"/tmp:rw,nosuid,nodev,size={bounds.scratch},mode=1777",  # noqa: S108 - in the container
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", _USER,
            "--memory", str(bounds.memory), "--memory-swap", str(bounds.memory),
            "--pids-limit", str(bounds.processes), "--workdir", "/tmp",  # noqa: S108 - in the container
            *(["--volume", f"{mount}:/wheels:ro"] if mount else []),
            *(["--http-proxy=false"] if self.name == "podman" else _NO_PROXIES),
            *bounds.arguments,
            "--entrypoint", "python", image, "-B", "-u", "-c", code,
        ]  # fmt: skip

    def kill(self, name: str) -> None:
        """End a container, if it runs."""
        self._try("rm", "--force", name)

    def remove_abandoned(self) -> int:
        """Remove containers whose autobump on this machine was killed, and return how many there were."""
        listed = self._try("ps", "--all", "--filter", f"name={_NAMES}", "--format", "{{.Names}}")
        abandoned = [name for name in listed.split() if _is_gone(name)]
        for container in abandoned:
            self.kill(container)
        return len(abandoned)

    def explain(self, text: str, what: str) -> str:
        """Say in a line why the engine failed and what to do.

        Args:
            text: What it printed.
            what: What it was to do.
        """
        found = next((words for sign, words in _TROUBLES if sign in text.lower()), "")
        last = (text.strip().splitlines() or ["it says nothing"])[-1]
        return f"{self.name} cannot {what}: {found or printable(last)[:_MOST_SAID]}"

    def _ask(self, *arguments: str, what: str, seconds: int = _QUICK_SECONDS) -> str:
        done = self._run(list(arguments), seconds)
        if done.returncode:
            raise EngineError(self.explain(done.stderr or done.stdout, what))
        return done.stdout

    def _try(self, *arguments: str) -> str:
        """Tidy up: what does not work is left for the next pass."""
        try:
            return self._run(arguments, _QUICK_SECONDS).stdout
        except EngineError as exc:
            _log.warning("something is left in the container engine", extra={"cause": str(exc)})
            return ""

    def _run(self, arguments: Sequence[str], seconds: int) -> subprocess.CompletedProcess[str]:
        command = [self.name, *arguments]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as exc:
            raise EngineError(f"{self.name} {arguments[0]} did not end within {seconds:,} seconds") from exc
        except OSError as exc:
            raise EngineError(f"{self.name} cannot be started: {exc.strerror or exc}") from exc


def find_engine(name: str, which: Callable[[str], str | None] = shutil.which) -> Engine:
    """Return the engine that the settings name, after it answered.

    Args:
        name: `docker`, `podman`, or `auto` for the first of them that is there and answers.
        which: Finds a command.

    Raises:
        EngineError: There is none, or it does not answer.
    """
    candidates = ENGINES if name == "auto" else (name,)
    found = [candidate for candidate in candidates if which(candidate)]
    if not found:
        raise EngineError(f"there is no {' or '.join(candidates)} on this machine; install one")
    troubles: list[str] = []
    for candidate in found:
        engine = Engine(candidate)
        try:
            engine.check()
        except EngineError as exc:
            troubles.append(str(exc))
        else:
            return engine
    raise EngineError("; ".join(troubles))


def name_container(number: int) -> str:
    """Return the name of this process's container of a number; it tells who is to end it."""
    return f"{_NAMES}{os.uname().nodename}-{os.getpid()}-{number}"


def _is_gone(name: str) -> bool:
    """Whether the process of this machine that started a container has ended; of others it is not known."""
    host, _, rest = name.removeprefix(_NAMES).rpartition("-")
    host, _, pid = host.rpartition("-")
    if (
        not name.startswith(_NAMES)
        or host != os.uname().nodename
        or not (pid.isdecimal() and rest.isdecimal())
    ):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
