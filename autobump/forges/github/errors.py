"""What GitHub refuses or does not answer, in words a person can act on."""

from autobump.support.errors import ForgeError


class OutOfBudgetError(ForgeError):
    """GitHub asks to wait longer than a pass may."""


class LostAnswerError(ForgeError):
    """A write was sent and its answer did not arrive: it may have happened."""


class RefusedError(ForgeError):
    """GitHub refused a call; `status` and `text` are its own."""

    def __init__(self, message: str, status: int, text: str) -> None:
        super().__init__(message)
        self.status = status
        self.text = text


class MissingError(RefusedError):
    """GitHub answered 404."""
