"""The forges there are."""

from enum import StrEnum


class ForgeName(StrEnum):
    """A forge as the command line spells it."""

    GITHUB = "github"
    LOCAL = "local"

    @property
    def is_remote(self) -> bool:
        """Whether its repository lives elsewhere, so that a pass may read it through a clone of its own."""
        match self:
            case ForgeName.GITHUB:
                return True
            case ForgeName.LOCAL:
                return False
