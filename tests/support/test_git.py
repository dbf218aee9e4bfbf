import os
import signal
import subprocess
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from autobump.support.git import Git, GitError
from autobump.support.parallel import map_in_two_processes
from tests.fixtures.objects import write_object
from tests.fixtures.repositories import make_repository

MOST = 1_000_000


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return make_repository(tmp_path / "r", {"one.txt": "one", "two.txt": "two"})


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Return what is started from here on."""
    processes: list[subprocess.Popen[bytes]] = []
    original = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        processes.append(original(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def read(git: Git, *names: str) -> list[bytes | None]:
    return [blob.data for blob in git.read_objects(names, max_bytes=MOST)]


def test_object_is_told_with_its_name_kind_and_size(git: Git) -> None:
    (blob,) = git.read_objects(["master:one.txt"], max_bytes=MOST)
    assert (blob.oid, blob.kind, blob.size, blob.data) == (
        git.line("rev-parse", "master:one.txt"),
        "blob",
        3,
        b"one",
    )


@pytest.mark.parametrize(
    "name", ["0" * 40, "master:none.txt", "a b 3", "", "é", "-x", "HEAD^{/no such text}"]
)
def test_missing_object_has_neither_kind_nor_data(git: Git, name: str) -> None:
    missing, found = git.read_objects([name, "master:one.txt"], max_bytes=MOST)
    assert (missing.oid, missing.kind, missing.data) == (name, "", None)
    assert found.data == b"one"


def test_one_git_answers_all_questions(git: Git, started: list["subprocess.Popen[bytes]"]) -> None:
    for _ in range(3):
        assert read(git, "master:one.txt", "master:two.txt") == [b"one", b"two"]
    assert len(started) == 1


def test_git_ends_with_the_last_one_who_may_ask_it(
    git: Git, started: list["subprocess.Popen[bytes]"]
) -> None:
    asked = Git(git.directory)
    assert read(asked, "master:one.txt") == [b"one"]
    del asked
    assert started[0].poll() is not None


def test_many_objects_come_in_their_order_and_large_ones_without_data(git: Git) -> None:
    texts = [b"%d" % number * (number % 7 * 40_000) for number in range(200)]
    names = [write_object(git, "blob", text) for text in texts]
    found = list(git.read_objects(names, max_bytes=200_000))
    assert [blob.oid for blob in found] == names
    assert [blob.size for blob in found] == [len(text) for text in texts]
    assert [blob.data for blob in found] == [text if len(text) <= 200_000 else None for text in texts]
    assert any(blob.data is None for blob in found)


def test_what_was_not_taken_is_no_answer_to_the_next_question(git: Git) -> None:
    names = ["master:one.txt"] * 100
    assert len(list(islice(git.read_objects(names, max_bytes=MOST), 2))) == 2
    assert read(git, "master:two.txt") == [b"two"]


def test_two_who_read_at_once_do_not_meet(git: Git) -> None:
    ones = git.read_objects(["master:one.txt"] * 100, max_bytes=MOST)
    twos = git.read_objects(["master:two.txt"] * 100, max_bytes=MOST)
    assert {(one.data, two.data) for one, two in zip(ones, twos, strict=True)} == {(b"one", b"two")}


def test_fork_has_a_git_of_its_own(git: Git) -> None:
    assert read(git, "master:one.txt") == [b"one"]  # this one is kept, and the fork sees it

    def work(names: Any) -> list[bytes | None]:
        return read(git, *names)

    names = ["master:one.txt", "master:two.txt"] * 2_000
    assert map_in_two_processes(names, work, work, worth=True) == [b"one", b"two"] * 2_000


def test_git_that_was_killed_is_started_again(git: Git, started: list["subprocess.Popen[bytes]"]) -> None:
    assert read(git, "master:one.txt") == [b"one"]
    os.kill(started[0].pid, signal.SIGKILL)
    started[0].wait()
    assert read(git, "master:two.txt") == [b"two"]


@pytest.mark.parametrize("asked", [1, 100])
def test_git_that_is_killed_amid_its_work_is_told(
    git: Git, started: list["subprocess.Popen[bytes]"], asked: int
) -> None:
    large = write_object(git, "blob", b"x" * 10_000_000)
    reading = git.read_objects([large] * (asked + 1), max_bytes=20_000_000)
    next(reading)
    os.kill(started[0].pid, signal.SIGKILL)
    with pytest.raises(GitError, match="git ended with status -9"):
        list(reading)


def test_folder_that_is_no_repository_is_told_in_words_of_git(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        read(Git(tmp_path), "HEAD")


def test_name_with_a_line_feed_is_refused(git: Git) -> None:
    with pytest.raises(ValueError, match="line feed"):
        read(git, "master:one.txt\nmaster:two.txt")
    assert read(git, "master:two.txt") == [b"two"]


def test_large_input_is_written_whole(git: Git) -> None:
    chunks = [b"x" * 100_000] * 30
    oid = git.run("hash-object", "-w", "--stdin", stdin=chunks).decode().strip()
    (blob,) = git.read_objects([oid], max_bytes=10_000_000)
    assert blob.data == b"".join(chunks)
