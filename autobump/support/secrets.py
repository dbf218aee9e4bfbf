"""Holds what must never be shown."""

import os

_LONG_LINE = 16

_known: set[str] = set()
"""Every text that was ever held as a secret, for `redact`."""


class Secret:
    """A text that only `reveal` gives away; its repr and str do not, and `redact` takes it out of a text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        # Of a key of many lines, one line alone must not be seen either; its short last one tells nothing.
        lines = text.replace("\\n", "\n").split()  # or written out in one line
        _known.update({text, *(line for line in lines if len(line) >= _LONG_LINE)} - {""})

    def reveal(self) -> str:
        """Return the text, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def redact(text: str) -> str:
    """Return a text with `***` in the place of every secret that was read."""
    # The longest first: one secret may be a part of another.
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def find_secret(variable: str) -> Secret | None:
    """Return the secret an environment variable holds, or None when it is unset or empty."""
    text = os.environ.get(variable, "").strip()
    return Secret(text) if text else None


def find_text(variable: str) -> str:
    """Return what an environment variable holds, or an empty text."""
    return os.environ.get(variable, "").strip()


def is_for_github_com() -> bool:
    """Whether `GITHUB_TOKEN` is one for github.com, and not for the server that `GITHUB_API_URL` names."""
    return find_text("GITHUB_API_URL").rstrip("/") in ("", "https://api.github.com")
