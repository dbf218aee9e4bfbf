"""What the remote of a clone tells of the repository: its name, and the forge it is on."""

import re

from autobump.support.git import Git

_NAME = re.compile(
    r"(?:(?:https?|ssh|git)://[^/]+/|[^/@:]+@[^/:]+:)(?P<name>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?"
)
_HOST = re.compile(r"(?:[a-z+]+://(?:[^/@]*@)?|[^/@:]+@)(?P<host>[^/:]+)")
_OTHER_FORGES = {"gitlab": "GitLab", "bitbucket": "Bitbucket"}


def find_remote(git: Git) -> str | None:
    """Return what the remote is called: `origin`, or the first of others; None where there is none."""
    remotes = {key[len("remote.") : -len(".url")] for key in git.remote_settings if key.endswith(".url")}
    return "origin" if "origin" in remotes else min(remotes, default=None)


def guess_repository(git: Git) -> str | None:
    """Return `owner/name` as the remote tells it, or None where it tells nothing or is not on GitHub."""
    match = _NAME.fullmatch(_find_address(git))
    return match["name"] if match and not find_other_forge(git) else None


def find_other_forge(git: Git) -> str:
    """Return the name of the forge that the remote is on, if its host tells that it is not GitHub."""
    match = _HOST.match(_find_address(git))
    labels = match["host"].lower().split(".") if match else []
    return next((name for label, name in _OTHER_FORGES.items() if label in labels), "")


def name_clone(git: Git) -> str:
    """Return what people call a clone: `owner/name` as its remote tells it, or the name of its folder."""
    folder = git.ask("rev-parse", "--show-toplevel") or str(git.directory.absolute())
    return guess_repository(git) or folder.rstrip("/").rpartition("/")[2]


def _find_address(git: Git) -> str:
    return git.remote_settings.get(f"remote.{find_remote(git)}.url", "")
