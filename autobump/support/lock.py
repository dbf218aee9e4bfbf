"""Keeps two processes from doing the same thing at the same time; the system lets go when one is killed."""

import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autobump.support.errors import AutobumpError

_log = logging.getLogger(__name__)

_held: set[int] = set()
"""Descriptors of the locks that this process holds, or waits for."""


class LockTakenError(AutobumpError):
    """Another process holds the lock."""


@contextmanager
def lock(folder: Path | None, subject: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock while the block runs; without a place for it, warn and go on.

    Args:
        folder: Where lock files lie, made when missing; None for the runtime folder of the user.
        subject: What is locked; processes meet when they say the same.
        wait: Wait for the other process instead of raising.

    Raises:
        LockTakenError: Another process holds it.
    """
    digest = hashlib.sha256(subject.encode("utf-8", "surrogateescape")).hexdigest()
    path = (_runtime_folder() if folder is None else folder) / f"{digest[:16]}.lock"
    descriptor = _open(path)
    try:
        if descriptor is not None:
            _held.add(descriptor)
            _lock(descriptor, path, subject, wait=wait)
        yield
    finally:
        # The file stays: taking it away would let a third process lock another one of the same name.
        if descriptor is not None:
            _held.discard(descriptor)
            os.close(descriptor)


def _let_go_in_child() -> None:
    """Close the locks in a forked process: it may outlive the one that took them."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


def _open(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        _warn(path, exc)
        return None


def _lock(descriptor: int, path: Path, subject: str, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as exc:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        who = f"process {holder}" if holder else "another process"
        raise LockTakenError(f"{who} is at work on {subject}; wait for its end and try again") from exc
    except OSError as exc:  # some network file systems have no locks
        _warn(path, exc)
        return
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError:  # a full disk; the lock holds all the same, only its holder cannot be told
        _log.debug("the lock does not say who holds it", extra={"lock": str(path)})


def _warn(path: Path, exc: OSError) -> None:
    extra = {"lock": str(path), "cause": exc.strerror or str(exc)}
    _log.warning("going on without a lock; start no second pass at the same time", extra=extra)


def _runtime_folder() -> Path:
    """Return the folder for what lives as long as the user is logged in.

    Source: XDG Base Directory Specification, `$XDG_RUNTIME_DIR`.
    """
    named = os.environ.get("XDG_RUNTIME_DIR")
    return Path(named or tempfile.gettempdir()) / f"autobump-{os.getuid()}"
