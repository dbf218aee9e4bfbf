"""What the remote of a clone tells of its repository."""

from pathlib import Path

import pytest

from autobump.support.git import Git
from autobump.support.remote import find_other_forge, guess_repository, name_clone


@pytest.fixture
def clone(tmp_path: Path) -> Git:
    """Return git in a repository that has no remote yet."""
    git = Git(tmp_path / "my content")
    git.directory.mkdir()
    git.run("init", "--quiet")
    return git


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/content.git", "acme/content"),
        ("git@github.com:acme/content.git", "acme/content"),
        ("ssh://git@ghe.example/acme/content/", "acme/content"),
        ("https://gitlab.example/acme/content.git", None),
        ("/srv/git/content.git", None),
    ],
)
def test_name_is_that_of_the_remote_on_github(clone: Git, address: str, name: str | None) -> None:
    clone.run("remote", "add", "origin", address)
    assert guess_repository(clone) == name
    assert name_clone(clone) == (name or "my content")


def test_remote_called_origin_counts_before_others(clone: Git) -> None:
    clone.run("remote", "add", "fork", "https://github.com/me/content")
    assert guess_repository(Git(clone.directory)) == "me/content"
    clone.run("remote", "add", "a.b", "https://github.com/other/content")
    assert guess_repository(Git(clone.directory)) == "other/content"
    clone.run("remote", "add", "origin", "https://github.com/acme/content")
    assert guess_repository(Git(clone.directory)) == "acme/content"


def test_without_a_remote_it_is_the_folder_also_from_below_it(clone: Git) -> None:
    (clone.directory / "Packs").mkdir()
    assert name_clone(clone) == name_clone(Git(clone.directory / "Packs")) == "my content"


def test_bare_clone_is_called_as_its_folder(tmp_path: Path) -> None:
    git = Git(tmp_path / "content.git")
    git.directory.mkdir()
    git.run("init", "--quiet", "--bare")
    assert name_clone(git) == "content.git"


def test_forge_that_is_not_github_has_a_name(clone: Git) -> None:
    assert find_other_forge(Git(clone.directory)) == ""
    clone.run("remote", "add", "origin", "git@bitbucket.org:acme/content.git")
    assert find_other_forge(clone) == "Bitbucket"
