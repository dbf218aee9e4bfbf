"""Runs git: the only place that starts it."""

import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import IO
from weakref import finalize

from msgspec import Struct

from autobump.support.errors import AutobumpError, UsageError

_OLDEST_GIT = (2, 29)
"""The newest option that is used, `--no-write-fetch-head`, came with it."""

# Hooks of the repository must not run, nor may git ask for a password or write an index on the side.
_SETTINGS = ("-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=off", "-c", "gc.auto=0")
_ENVIRONMENT = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
_MAX_TREE_BYTES = 64 * 1024 * 1024
_FOUND = re.compile(rb"([0-9a-f]+) (commit|tree|blob|tag) ([0-9]+)\n")
_AT_ONCE = 30
"""Twice as many names fit into the smallest pipe, so that neither side waits for the other to read."""
# A hook or an editor may have set these; they would point git at another repository than the one asked for.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


class GitError(AutobumpError):
    """Git ended with an error; the text is its own last words."""


class Blob(Struct, frozen=True):
    """One object read from the repository; `data` is None when it is missing or over the size limit.

    Its `kind` is `commit`, `tree`, `blob` or `tag`, and empty when it is missing.
    """

    oid: str
    kind: str
    size: int
    data: bytes | None


class GitEntry(Struct, frozen=True):
    """One entry of a tree object: its name, git mode (`100644`, `040000` …) and object name."""

    name: str
    mode: str
    oid: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a tree."""
        return self.mode == "040000"


def git_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment git is started with."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return kept | _ENVIRONMENT | (extra or {})


class Git:
    """Git in one directory (a work tree, a bare repository, or a folder inside either)."""

    def __init__(self, directory: Path, *, env: dict[str, str] | None = None) -> None:
        """Use a directory, with additions to git's environment."""
        self.directory = directory
        self.env = env or {}
        self._idle: list[_Reader] = []
        finalize(self, _close_all, self._idle)

    def command(self, *arguments: str) -> list[str]:
        """Return the full argument list for one git call."""
        return ["git", *_SETTINGS, "-C", str(self.directory), *arguments]

    def run(self, *arguments: str, stdin: bytes | Iterable[bytes] = b"") -> bytes:
        """Run git to its end and return its output.

        Args:
            arguments: The git command and its arguments.
            stdin: What git reads; chunks are written one after another, so a long stream is never held whole.

        Raises:
            GitError: Git ended with a status other than 0.
            UsageError: There is no git on the PATH, or one that is too old.
        """
        with _write_temporary(stdin) if stdin else nullcontext(subprocess.DEVNULL) as source:
            try:
                done = subprocess.run(
                    self.command(*arguments),
                    stdin=source,
                    capture_output=True,
                    env=git_environment(self.env),
                    check=False,
                )
            except OSError as exc:
                _tell_of_no_git(exc)
                raise
        if done.returncode:
            raise _failure(done.stderr, done.returncode)
        return done.stdout

    def line(self, *arguments: str) -> str:
        """Run git and return its output as one stripped line of text."""
        return self.run(*arguments).decode("utf-8", "surrogateescape").strip()

    def ask(self, *arguments: str) -> str | None:
        """Run git as `line` does, and return None where git says no."""
        try:
            return self.line(*arguments)
        except GitError:
            return None

    @cached_property
    def remote_settings(self) -> Mapping[str, str]:
        """What git's configuration says of remotes and partial clones, by key, as when it was first asked."""
        try:
            told = self.run("config", "--null", "--list")  # which is no failure where there is none
        except GitError:
            return {}
        lines = (line.partition("\n") for line in told.decode("utf-8", "surrogateescape").split("\0")[:-1])
        wanted = ("remote.", "extensions.partialclone")
        return {key: value for key, _, value in lines if key.startswith(wanted)}

    def read_objects(self, names: Iterable[str], *, max_bytes: int) -> Iterator[Blob]:
        """Read objects, in the order asked, one in memory at a time.

        The git that reads them is kept for the next call: its start takes as long as hundreds of objects.

        Args:
            names: Object names, or anything git understands as one.
            max_bytes: Larger objects are passed over without being held.

        Raises:
            GitError: Git could not read its repository.
            UsageError: There is no git on the PATH, or one that is too old.
            ValueError: A name has a line feed in it.
        """
        reader = self._take_idle() or _Reader(self.command("cat-file", "--batch"), git_environment(self.env))
        is_done = False
        try:
            yield from reader.read(iter(names), max_bytes)
            is_done = True
        finally:
            if is_done:
                self._idle.append(reader)
            else:  # what was asked for and not taken would come as the answer to the next question
                reader.close()

    def _take_idle(self) -> "_Reader | None":
        while self._idle:
            reader = self._idle.pop()
            if reader.is_alive:
                return reader
            reader.close()
        return None

    def read_trees(self, oids: Iterable[str]) -> dict[str, tuple[GitEntry, ...]]:
        """Read tree objects, and return their entries in git's order, by object name.

        Args:
            oids: Names of trees; one that comes twice is read once.

        Raises:
            GitError: One is missing, larger than 64 MiB, or no tree.
        """
        wanted = sorted(set(oids))
        found: dict[str, tuple[GitEntry, ...]] = {}
        for tree in self.read_objects(wanted, max_bytes=_MAX_TREE_BYTES) if wanted else ():
            if tree.data is None:
                raise GitError(f"tree {tree.oid} is missing or too large")
            try:
                found[tree.oid] = tuple(_parse_tree(tree.data, len(tree.oid) // 2))
            except ValueError as exc:
                raise GitError(f"{tree.oid} is no tree") from exc
        return found


class _Reader:
    """A git that reads objects for as long as it is asked for some."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._errors = _open_temporary()
        self._owner = os.getpid()
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=self._errors, env=environment, bufsize=1 << 20
            )
        except OSError as exc:
            self._errors.close()
            _tell_of_no_git(exc)
            raise
        assert self._process.stdin is not None  # noqa: S101 - PIPE gives one; mypy cannot know
        assert self._process.stdout is not None  # noqa: S101 - as above
        self._questions, self._answers = self._process.stdin, self._process.stdout

    @property
    def is_alive(self) -> bool:
        """Whether it still reads, and for this process: one from before a fork is another's."""
        return self._process.poll() is None and self._owner == os.getpid()

    def read(self, names: Iterator[str], max_bytes: int) -> Iterator[Blob]:
        """Yield objects; see `Git.read_objects`."""
        asked = self._ask(names)
        while asked:
            following = self._ask(names)  # git reads on while these are worked on
            for _ in range(asked):
                yield self._take(max_bytes)
            asked = following

    def _ask(self, names: Iterator[str]) -> int:
        """Ask for some of the names, and return for how many."""
        lines = [name.encode("utf-8", "surrogateescape") for name in islice(names, _AT_ONCE)]
        if any(b"\n" in line for line in lines):
            raise ValueError("a name with a line feed")
        try:
            self._questions.writelines(line + b"\n" for line in lines)
            self._questions.flush()
        except BrokenPipeError as exc:
            raise self._failure() from exc
        return len(lines)

    def _take(self, max_bytes: int) -> Blob:
        header = self._answers.readline()
        if not header.endswith(b"\n"):
            raise self._failure()
        found = _FOUND.fullmatch(header)
        if found is None:  # "<name> missing", or ambiguous
            return Blob(header.rpartition(b" ")[0].decode("utf-8", "surrogateescape"), "", 0, None)
        oid, kind, size = found[1].decode(), found[2].decode(), int(found[3])
        data = self._answers.read(size) if size <= max_bytes else None
        left = size if data is None else 0
        while left and (chunk := self._answers.read(min(left, 1 << 20))):
            left -= len(chunk)
        if self._answers.read(1) != b"\n":
            raise self._failure()
        return Blob(oid, kind, size, data)

    def _failure(self) -> GitError:
        status = self._process.wait()
        self._errors.seek(0)
        return _failure(self._errors.read(), status)

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._questions.close()
        self._answers.close()
        self._errors.close()


def _close_all(readers: Iterable[_Reader]) -> None:
    for reader in readers:
        reader.close()


def is_repository(directory: Path) -> bool:
    """Whether a folder is, or lies in, a git repository."""
    return bool(Git(directory).ask("rev-parse", "--git-dir"))


def has_commit(directory: Path) -> bool:
    """Whether a folder is, or lies in, a git repository with a commit."""
    return bool(Git(directory).ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}"))


def _parse_tree(data: bytes, digest_bytes: int) -> Iterator[GitEntry]:
    """Yield the entries of a tree object.

    Raises:
        ValueError: It is none.
    """
    start = 0
    while start < len(data):
        space = data.index(b" ", start)
        end = data.index(b"\0", space)
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        mode, start = _name_mode(data[start:space]), end + 1 + digest_bytes
        if start > len(data):
            raise ValueError("the last name is cut off")
        yield GitEntry(name, mode, data[end + 1 : start].hex())


# There are a handful of modes.
@lru_cache(maxsize=256)
def _name_mode(written: bytes) -> str:
    """Return a mode as git shows it: of a file's permissions only that of its owner to execute it counts."""
    mode = int(written, 8)
    if stat.S_ISREG(mode):
        return "100755" if mode & stat.S_IXUSR else "100644"
    return f"{mode:06o}"


def _write_temporary(stdin: bytes | Iterable[bytes]) -> IO[bytes]:
    file = _open_temporary()
    for chunk in [stdin] if isinstance(stdin, bytes) else stdin:
        file.write(chunk)
    file.seek(0)
    return file


def _open_temporary() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except FileNotFoundError as exc:  # Python tried every folder there is for them
        raise AutobumpError("no folder for temporary files can be written to; is the disk full?") from exc


def _tell_of_no_git(exc: OSError) -> None:
    if isinstance(exc, FileNotFoundError):
        raise UsageError("git was not found on the PATH; install it and try again") from exc
    if isinstance(exc, PermissionError):
        raise UsageError("the git on the PATH may not be run") from exc


def _failure(stderr: bytes, status: int) -> GitError:
    _require_recent(os.environ.get("PATH"))
    return GitError(_last_words(stderr, status))


@lru_cache(maxsize=1)
def _require_recent(_path: str | None) -> None:
    """Tell of a git that does not know all that is asked of it; looked at when a command first failed."""
    done = subprocess.run(["git", "version"], capture_output=True, env=git_environment(), check=False)
    if done.returncode:
        why = _last_words(done.stderr, done.returncode)
        raise UsageError(f"git does not even tell its version: {why}")
    said = done.stdout.decode("utf-8", "replace").strip()
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < _OLDEST_GIT:
        raise UsageError(f"{said or 'git'} is too old; autobump needs git 2.29 or newer")


def _last_words(stderr: bytes, status: int) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal: ")]  # advice may stand behind it
    return (fatal or lines)[-1].removeprefix("fatal: ") if lines else f"git ended with status {status}"
