"""Opens the forge that a command names."""

from datetime import datetime
from typing import assert_never

from autobump.forges.name import ForgeName
from autobump.forges.protocol import Forge
from autobump.settings.model import Settings
from autobump.support.git import Git
from autobump.support.http.request_count import RequestCount
from autobump.support.secrets import find_text


def open_forge(
    name: ForgeName,
    git: Git,
    settings: Settings,
    now: datetime,
    request_count: RequestCount | None = None,
) -> Forge:
    """Open a forge.

    Args:
        name: Which one.
        git: The analysed repository, where `local` keeps its branches.
        settings: The settings in force.
        now: Time of the pass.
        request_count: Told of every call.

    Raises:
        UsageError: The environment lacks what the forge needs.
        ForgeError: GitHub does not accept what the environment holds.
    """
    prs = settings.pull_requests
    match name:
        case ForgeName.LOCAL:
            from autobump.forges.local_git import LocalGitForge

            return LocalGitForge(git, branch_prefix=prs.branch_prefix, now=now)
        case ForgeName.GITHUB:
            from autobump.forges.github.connect import connect
            from autobump.forges.github.forge import GitHubForge, GitHubOptions

            options = GitHubOptions(
                settings.content.base, prs.branch_prefix, prs.labels, since=_since(settings, now)
            )
            return GitHubForge(connect(settings, request_count), options)
        case _:
            assert_never(name)


def _since(settings: Settings, now: datetime) -> datetime | None:
    """Return since when merged pull requests count; None when the last ones are enough."""
    interval = settings.policy.min_interval
    return now - interval if interval else None


def check_environment(name: ForgeName) -> None:
    """Make sure, before anything is asked, that the environment holds what a forge needs.

    Raises:
        UsageError: It does not.
    """
    match name:
        case ForgeName.GITHUB:
            from autobump.forges.github.connect import check_environment

            check_environment()
        case ForgeName.LOCAL:
            pass
        case _:
            assert_never(name)


def check_access(name: ForgeName, settings: Settings) -> None:
    """Make sure that a forge answers and lets a pass in.

    Raises:
        UsageError: It refuses what the environment holds.
        ForgeError: It cannot answer now.
    """
    match name:
        case ForgeName.GITHUB:
            from autobump.forges.github.connect import check_access

            check_access(settings)
        case ForgeName.LOCAL:
            pass
        case _:
            assert_never(name)


def identify_forge(name: ForgeName, git: Git, settings: Settings) -> str:
    """Return a text that is the same for every pass that writes to the same place, and no other."""
    match name:
        case ForgeName.LOCAL:
            folder = git.directory / git.line("rev-parse", "--git-common-dir")
            return str(folder.resolve())
        case ForgeName.GITHUB:
            repository = settings.content.repository.lower()
            url = find_text("GITHUB_API_URL").rstrip("/")
            return f"{repository} at {url}" if url else f"{repository} on GitHub"
        case _:
            assert_never(name)
