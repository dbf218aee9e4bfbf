"""A file that says nothing usable of its item."""

from msgspec import Struct

UNREADABLE = "unreadable"
"""Reason of a problem: git has no data for a file, which says nothing of what is in it."""


class Problem(Struct, frozen=True):
    """An item file that could not be evaluated.

    Attributes:
        path: The item file.
        pack: Its pack.
        reason: A slug.
        detail: In words.
        line: Of `place`, from 1; None when unknown.
        column: Of `place`, from 1; None when unknown.
        file: The file that is at fault, if it is another one.
    """

    path: str
    pack: str
    reason: str
    detail: str
    line: int | None = None
    column: int | None = None
    file: str = ""

    @property
    def place(self) -> str:
        """The file that is at fault."""
        return self.file or self.path
