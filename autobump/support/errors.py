"""What can go wrong with a whole pass, and the exit code each kind ends with."""

from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """The exit codes users script against."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNEXPECTED = 3
    INTERRUPTED = 130


class AutobumpError(Exception):
    """Something the operator can act on; its text is shown as it is, without a traceback."""

    exit_code = ExitCode.FAILED

    @property
    def lines(self) -> tuple[str, ...]:
        """Its text, each line for itself: a line may repeat text from outside, line ends and all."""
        return (str(self),)


class UsageError(AutobumpError):
    """The command, its arguments or the repository it points at cannot be used."""

    exit_code = ExitCode.USAGE


class RegistryError(AutobumpError):
    """A tag source could not answer for one image."""


class ImageNotFoundError(RegistryError):
    """The tag source answered that it has no such image."""


class ForgeError(AutobumpError):
    """The forge refused or failed a call."""


class SettingsFault(NamedTuple):
    """One thing wrong in a settings file; line and column count from 1, 0 when unknown."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class SettingsError(UsageError):
    """The settings cannot be used; lists every fault found."""

    def __init__(self, faults: tuple[SettingsFault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a fault."""
        return tuple(str(fault) for fault in self.faults)
