"""How much of an item is run for evidence; apart from it, because the command line names it in its help."""

from enum import StrEnum


class Level(StrEnum):
    """How much of an item is run."""

    LOAD = "load"
    TESTS = "tests"
