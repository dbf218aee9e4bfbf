"""Small disks of memory, which fill up and can be made read-only, for root as well."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.tools import miss


class Disk:
    """A mounted disk.

    Attributes:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, *, leave: int) -> None:
        """Take all space but so many bytes."""
        with self._filler.open("ab") as file:
            while free := max(self._free() - leave, 0) // 4096:
                try:
                    file.write(bytes(min(free, 256) * 4096))
                    file.flush()
                except OSError:
                    return

    def empty(self) -> None:
        """Give the space back."""
        self._filler.unlink()

    def allow_writing(self, allowed: bool) -> None:
        """Make it writable or read-only, for root as well."""
        done = _mount("-o", f"remount,{'rw' if allowed else 'ro'}", self.folder)
        assert done.returncode == 0, done.stderr

    def _free(self) -> int:
        told = os.statvfs(self.folder)
        return told.f_bavail * told.f_frsize


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Disk]:
    """Mount a disk until the block ends; where that is not allowed the test is skipped, in CI it fails."""
    folder.mkdir()
    options = f"size={mib}m,mode=700,uid={os.getuid()},gid={os.getgid()}"
    mounted = _mount("-t", "tmpfs", "-o", options, "tmpfs", folder)
    if mounted.returncode:
        message = f"no disk can be mounted, neither as root nor with sudo: {mounted.stderr.strip()}"
        miss(message)
    try:
        yield Disk(folder)
    finally:
        subprocess.run([*_as_root(), "umount", "--lazy", folder], check=True)


def _mount(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [*_as_root(), "mount", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
