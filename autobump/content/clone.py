"""Keeps a small clone of a repository for servers that have no checkout."""

import base64
import logging
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from autobump.support.errors import AutobumpError, UsageError
from autobump.support.git import Git, GitError
from autobump.support.lock import lock
from autobump.support.secrets import Secret

_log = logging.getLogger(__name__)

DEFAULT_SERVER = "https://github.com"

_HALF_PACK_SECONDS = 24 * 3600


def open_clone(
    folder: Path, server: str, repository: str, branch: str, token: Secret | None
) -> tuple[Git, str]:
    """Bring a shallow clone without file contents up to date, and return it with the branch's commit.

    Another process that does the same is waited for. A clone that is damaged is built anew.

    Args:
        folder: Where clones are kept, one folder each.
        server: Such as `https://github.com`.
        repository: `owner/name`.
        branch: The one branch that is fetched.
        token: Sent to the server, through the environment so that no process list shows it.

    Raises:
        AutobumpError: The repository cannot be fetched.
    """
    # No owner's name holds two underlines, so no two repositories share a folder.
    home = folder / re.sub(r"[^A-Za-z0-9_.-]", "-", repository.replace("/", "__"))
    git = Git(home, env=_credentials(server, token))
    # Where the commit of a ref is lost, each fetch would begin with another one for it, thousands of times.
    eager = Git(home, env=git.env | {"GIT_NO_LAZY_FETCH": "1"})
    with lock(folder, f"the clone in {home}", wait=True):
        try:
            try:
                return git, _fetch(eager, server, repository, branch)
            except GitError as exc:
                if _is_sound(eager):
                    raise
                cause = {"clone": str(home), "cause": str(exc)}
            _log.warning("the clone is damaged and is built anew", extra=cause)
            shutil.rmtree(home)
            return git, _fetch(eager, server, repository, branch)
        except GitError as exc:
            raise AutobumpError(f"cannot fetch {branch} of {server}/{repository}: {exc}") from exc
        except OSError as exc:
            raise UsageError(f"cannot keep a clone in {home}: {exc.strerror}") from exc


def _is_sound(git: Git) -> bool:
    """Whether the packs and refs of a clone can be read; then it is not the clone that made a fetch fail."""
    packs = [str(index) for index in git.directory.glob("objects/pack/*.idx")]
    try:
        git.run("rev-list", "--max-count=1", "--all")
        if packs:
            git.run("verify-pack", *packs)
    except GitError:
        return False
    return True


def _fetch(git: Git, server: str, repository: str, branch: str) -> str:
    """Fetch the newest commit of a branch and return its name."""
    home = git.directory
    home.mkdir(parents=True, exist_ok=True)
    # Whoever left one was killed: nobody else is here now.
    for stale in (*home.glob("*.lock"), *(home / "refs").rglob("*.lock")):
        stale.unlink(missing_ok=True)
    # Half a pack of a git that was killed; a pass that reads files may be writing a younger one.
    for half in home.glob("objects/pack/tmp_*"):
        with suppress(FileNotFoundError):  # or it was whole in this very moment
            if time.time() - half.stat().st_mtime > _HALF_PACK_SECONDS:
                half.unlink()
    git.run("init", "--quiet", "--bare")
    git.run("config", "remote.origin.url", f"{server}/{repository}")
    git.run("config", "remote.origin.promisor", "true")
    git.run("config", "remote.origin.partialclonefilter", "blob:none")
    refspec = f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
    git.run("fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "origin", refspec)
    return git.line("rev-parse", f"refs/remotes/origin/{branch}")


def _credentials(server: str, token: Secret | None) -> dict[str, str]:
    """Return settings for git that send the token to this server only.

    Source: git reads GIT_CONFIG_COUNT, _KEY_n and _VALUE_n; GitHub takes a token as the password of
    x-access-token. Git sends extra headers to the server that its first request is redirected to, too.
    """
    if token is None or not server.startswith("https://"):
        return {}
    pair = Secret(base64.b64encode(f"x-access-token:{token.reveal()}".encode()).decode())
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {pair.reveal()}",
        "GIT_CONFIG_KEY_1": "http.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }
