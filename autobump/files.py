"""Writes files so that a reader sees the old one or the new one, never a half."""

import os
import tempfile
from pathlib import Path

from autobump.errors import UsageError


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step.

    Raises:
        UsageError: The file cannot be written.
    """
    try:
        if path.exists() and not path.is_file():  # such as /dev/stdout or a pipe, which cannot be replaced
            path.write_bytes(data)
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            # mkstemp makes the file private; give it what any other new file gets.
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}") from exc
