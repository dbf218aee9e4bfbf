"""Names files of the user, and writes them so that a reader sees the old one or the new one, never a half."""

import errno
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from autobump.support.errors import AutobumpError, UsageError

_log = logging.getLogger(__name__)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""The name is right, and the disk refuses."""


def expand_home(name: str | Path) -> Path:
    """Return the file that a name means, in which `~` is a home folder.

    Raises:
        UsageError: There is no such home folder.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError as exc:
        raise UsageError(f"{name}: there is no such home folder") from exc


def identify_file(path: Path) -> str:
    """Return a name for what a file holds now: another one once it is written anew or replaced.

    Raises:
        OSError: There is no such file, or it cannot be looked at.
    """
    stat = path.stat()
    return f"file:{path.resolve()}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}"


def find_cache_folder(name: str) -> Path | None:
    """Return the folder of the caches, or None when there is no home folder to put it in."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        _log.warning("there is no home folder for the cache; going on without one")
        return None


def require_writable(path: Path) -> None:
    """Make sure that a file can be written in its folder, and leave nothing there.

    Raises:
        UsageError: There is no such folder, or no file can be made in it.
        AutobumpError: The disk is full or broken.
    """
    if path.exists() and not path.is_file():
        return
    try:
        descriptor, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
        os.close(descriptor)
        Path(name).unlink()
    except OSError as exc:
        raise _cannot_write(path, exc) from exc


def write_whole(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Replace a file in one step; a link stays, and what it leads to is replaced.

    Args:
        path: The file.
        data: What is in it, whole or in parts that are written one after another.

    Raises:
        UsageError: The file cannot be written there.
        AutobumpError: The disk is full or broken.
    """
    try:
        if path.exists() and not path.is_file():  # such as /dev/stdout or a pipe, which cannot be replaced
            path.write_bytes(data if isinstance(data, bytes) else b"".join(data))
            return
        target = path.resolve()
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines([data] if isinstance(data, bytes) else data)
            # mkstemp makes the file private; give it what any other new file gets.
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise _cannot_write(path, exc) from exc


def _cannot_write(path: Path, exc: OSError) -> AutobumpError:
    kind = AutobumpError if exc.errno in _FULL else UsageError
    return kind(f"cannot write {path}: {exc.strerror}")
