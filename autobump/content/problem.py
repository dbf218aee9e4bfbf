"""A file that says nothing usable of its item."""

from dataclasses import dataclass

UNREADABLE = "unreadable"
"""Reason of a problem: git has no data for a file, which says nothing of what is in it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be evaluated; line and column count from 1 and are None when unknown."""

    path: str
    pack: str
    reason: str
    detail: str
    line: int | None = None
    column: int | None = None
