"""What GitHub refuses or does not answer, in words a person can act on, and which of it is a limit."""

from typing import Any

from github import GithubException

from autobump.support.errors import ForgeError
from autobump.support.http.headers import find_seconds_asked

_LIMIT_WORDS = ("secondary rate limit", "rate limit exceeded", "abuse detection", "submitted too quickly")
_LIMIT_SECONDS = 60.0


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


def find_limit_seconds(exc: GithubException, now: float, earlier: int) -> float | None:
    """Return how long to wait for a limit, or None when it is no limit that refused.

    Args:
        exc: What GitHub answered.
        now: Seconds since the epoch.
        earlier: How often the same call met a limit before.

    Source: GitHub documentation, "Rate limits for the REST API" and "Best practices for using the REST API":
    403 or 429, with Retry-After, or with X-RateLimit-Remaining 0 and X-RateLimit-Reset; without either at
    least a minute, and longer each time. New content is also refused with 422 "was submitted too quickly"
    (cli/cli#4801); secondary limits were called abuse detection before. GraphQL may answer 200.
    """
    named = any(word in text_of(exc).lower() for word in _LIMIT_WORDS) or is_graphql_limit(exc.data)
    if exc.status not in (403, 429) and not named:
        return None
    headers = {name.lower(): str(value) for name, value in (exc.headers or {}).items()}
    if (seconds := find_seconds_asked(headers, now)) is not None:
        return max(seconds, 1.0)
    return _LIMIT_SECONDS * 2**earlier if named or exc.status == 429 else None


def is_graphql_limit(data: Any) -> bool:
    """Whether an answer is GraphQL's way to tell of a limit: errors where the data would be."""
    if not isinstance(data, dict) or "data" not in data or not isinstance(data.get("errors"), list):
        return False
    errors = [error for error in data["errors"] if isinstance(error, dict)]
    texts = [str(error.get("message")).lower() for error in errors]
    return any(error.get("type") == "RATE_LIMITED" for error in errors) or any(
        word in text for text in texts for word in _LIMIT_WORDS
    )


def refused(exc: GithubException, what: str, repository: str) -> RefusedError:
    """Return the error for a refusal.

    Args:
        exc: What GitHub answered.
        what: What was being done: "list the branches".
        repository: Where.
    """
    text = text_of(exc)
    match exc.status:
        case 401:
            message = f"cannot {what}: GitHub does not accept the token"
        case 403 if "archived" in text.lower():
            message = f"cannot {what}: the repository is archived and read-only"
        case 403:
            message = f"cannot {what}: the token has no permission for it ({text})"
        case 404:
            message = f"cannot {what}: GitHub says it is not there, or the token may not see {repository}"
        case _:
            message = f"cannot {what}: {text}"
    return (MissingError if exc.status == 404 else RefusedError)(message, exc.status, text)


def text_of(exc: GithubException) -> str:
    """Return the message of a refusal and those of its parts, in one line."""
    data = exc.data if isinstance(exc.data, dict) else {}
    parts = [str(data.get("message") or "")]
    errors = data.get("errors")
    for error in errors if isinstance(errors, list) else []:
        parts.append(str(error.get("message") or "") if isinstance(error, dict) else str(error))
    text = "; ".join(part for part in parts if part) or "no reason given"
    return one_line(text)


def one_line(text: str) -> str:
    """Return the beginning of a text as one line."""
    return " ".join(text.split())[:300]
