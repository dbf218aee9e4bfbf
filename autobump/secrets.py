"""Holds what must never be shown."""

import os


class Secret:
    """A text that only `reveal` gives away; its repr and str do not."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def find_secret(variable: str) -> Secret | None:
    """Return the secret an environment variable holds, or None when it is unset or empty."""
    text = os.environ.get(variable, "").strip()
    return Secret(text) if text else None


def find_text(variable: str) -> str:
    """Return what an environment variable holds, or an empty text."""
    return os.environ.get(variable, "").strip()
