"""What GitHub answers, as far as it is read.

Source: GitHub's REST API, version 2022-11-28.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class User(BaseModel):
    """The account behind something."""

    login: str


class GitObject(BaseModel):
    """A git object by its name."""

    sha: str


class Ref(BaseModel):
    """A branch and where it points."""

    ref: str
    object: GitObject


class Label(BaseModel):
    """A label."""

    name: str


class PullRepository(BaseModel):
    """The repository that a branch lies in."""

    full_name: str


class Repository(BaseModel):
    """A repository: how its pull requests may be merged, where that may be known."""

    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None


class PullBase(BaseModel):
    """The branch that a pull request goes to."""

    ref: str


class PullHead(BaseModel):
    """The branch of a pull request."""

    ref: str
    sha: str = ""
    repo: PullRepository | None = None


class PullRequest(BaseModel):
    """A pull request."""

    number: int
    html_url: str
    node_id: str = ""
    state: str
    body: str | None = None
    user: User | None = None
    head: PullHead
    base: PullBase | None = None
    labels: list[Label] = []
    merged_at: str | None = None
    auto_merge: dict[str, Any] | None = None


class MergedAt(BaseModel):
    """When a pull request was merged, as an issue tells it."""

    merged_at: str | None = None


class Issue(BaseModel):
    """An issue; a pull request is one, too."""

    number: int
    html_url: str
    body: str | None = None
    user: User | None = None
    labels: list[Label] = []
    closed_at: datetime | None = None
    closed_by: User | None = None
    pull_request: MergedAt | None = None


class Event(BaseModel):
    """Something that happened to an issue."""

    event: str
    actor: User | None = None
    label: Label | None = None


class Comment(BaseModel):
    """A comment."""

    body: str | None = None
    user: User | None = None


class CommitDetails(BaseModel):
    """What git knows of a commit."""

    message: str
    tree: GitObject


class Commit(BaseModel):
    """A commit, the account behind it, and what it builds on."""

    sha: str
    commit: CommitDetails
    author: User | None = None
    parents: list[GitObject] = []


class ChangedFile(BaseModel):
    """What became of a file; `patch` is left out of a large or binary one."""

    filename: str
    status: str
    sha: str | None = None
    patch: str = ""


class Comparison(BaseModel):
    """What a commit has that another one has not."""

    commits: list[Commit]
    total_commits: int
    files: list[ChangedFile] = []
