"""Passes killed at random moments: the next one ends as if nothing had happened.

`AUTOBUMP_KILLS=200` kills that many of each kind; the moments are drawn alike every time.
"""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from autobump.support.git import Git
from tests.fixtures.repositories import branches, commit, make_repository, script_pack
from tests.fixtures.servers import serve
from tests.fixtures.warm import Ended, warm_process
from tests.fixtures.world import OLD, every_action, numberless, prepare_every_action

KILLS = int(os.environ.get("AUTOBUMP_KILLS", "24"))
NEW, NEWER = "1.0.0.2", "1.0.0.3"


def moments(length: float) -> Iterator[float]:
    """Yield seconds after which to kill a pass of this length, more of them than are needed.

    Every other one lies in its second half, where it writes.
    """
    chance = random.Random(20260601)  # noqa: S311 - the same moments every time are wanted
    for number in range(10 * KILLS):
        yield chance.uniform(length / 2 if number % 2 else 0, length)


def is_right(ended: Ended, report: Path) -> bool:
    """Whether a pass succeeded and its report is whole, which is then taken away."""
    assert ended.status == 0, ended.errors
    assert "Traceback" not in ended.errors
    document: dict[str, Any] = json.loads(report.read_text())
    report.unlink()
    return all(pr["failure"] is None for pr in document["pull_requests"])


def leftovers(folder: Path, *names: str) -> list[Path]:
    """Return files of git that should be gone."""
    return [path for name in names for path in folder.rglob(name)]


def refs_of(git: Git, prefix: str = "refs/") -> dict[str, str]:
    listing = git.run("for-each-ref", "--format=%(refname) %(objectname)", prefix).decode().splitlines()
    return dict(line.split(" ") for line in listing)


def seen(git: Git) -> dict[str, tuple[str, str]]:
    """Return files and message of every branch; its commit tells the time as well, which differs."""
    return {
        branch: (git.line("rev-parse", f"{head}^{{tree}}"), git.line("log", "-1", "--format=%P%n%B", head))
        for branch, head in branches(git).items()
    }


def set_refs(git: Git, wanted: dict[str, str]) -> None:
    """Put every branch where it was."""
    lines = [f"delete {ref}" for ref in refs_of(git) if ref not in wanted]
    lines += [f"update {ref} {head}" for ref, head in wanted.items()]
    git.run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in lines).encode())


def test_local_pass_killed_at_any_moment_ends_right_the_next_time(tmp_path: Path) -> None:
    names = ("create", "create2", "refresh", "refresh2", "leave", "close")
    files: dict[str, str | bytes] = {}
    for name in names:
        files |= script_pack(name, {"One": f"demisto/{name}:{OLD}", "Two": f"demisto/{name}:{OLD}"})
    git = make_repository(tmp_path / "r", files)
    tags, home, report = tmp_path / "tags.json", tmp_path / "home", tmp_path / "report.json"
    home.mkdir()

    def publish(**newest: str) -> None:
        tags.write_text(json.dumps({f"demisto/{name}": [OLD, tag] for name, tag in newest.items()}))

    options = ["run", "--repo", str(git.directory), "--tags", f"file:{tags}"]
    options += ["--format", "json", "--output", str(report)]
    with warm_process(tmp_path / "warm", {"HOME": str(home)}) as passes:
        begun = ("refresh", "refresh2", "leave", "close")
        publish(**dict.fromkeys(begun, NEW))
        assert is_right(passes.run(*options), report)
        commit(git, script_pack("close", {"One": f"demisto/close:{NEW}", "Two": f"demisto/close:{NEW}"}))
        publish(**dict.fromkeys(names, NEW) | {"refresh": NEWER, "refresh2": NEWER})
        before = refs_of(git)
        calm = []
        for _ in range(3):
            set_refs(git, before)
            calm.append(passes.run(*options))
            assert is_right(calm[-1], report)
        expected = seen(git)
        assert len(expected) == 5

        killed = 0
        unmoved = 0
        for moment in moments(median(ended.seconds for ended in calm)):
            set_refs(git, before)
            ended = passes.run(*options, kill_after=moment)
            killed += ended.status == -signal.SIGKILL
            between = refs_of(git, "refs/heads/")
            if report.exists():
                json.loads(report.read_text())
            assert is_right(passes.run(*options), report)
            assert seen(git) == expected
            assert between in (before, refs_of(git, "refs/heads/")), "some branches moved and others did not"
            unmoved += between == before
            assert refs_of(git, "refs/autobump/") == {}
            assert leftovers(git.directory, "*.lock", "tmp_*") == []
            if killed == KILLS:
                break
        assert killed == KILLS
        assert unmoved > 0, "no pass was killed before its branches moved"
    git.run("fsck", "--strict")


def test_github_pass_killed_at_any_moment_ends_right_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass works on a clone of its own, so that it is killed while git fetches, and git with it."""
    world = every_action(tmp_path / "prepared")
    now = [world.github]
    hosted, cache, report = tmp_path / "server/demisto/content", tmp_path / "cache", tmp_path / "report.json"
    hosted.parent.mkdir(parents=True)
    config = tmp_path / "settings.yml"
    with serve(lambda request: now[0].answer(request)) as server:
        with monkeypatch.context() as patch:
            patch.setattr("time.sleep", lambda _: None)
            patch.setenv("GITHUB_TOKEN", "bot-token")
            patch.setenv("GITHUB_API_URL", server.url)
            prepare_every_action(world)
        here = connections()
        for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            world.github.git.run("config", key, "true")
        config.write_text(json.dumps({"registry": {"cache": str(cache)}, **world.settings}))
        options = ["run", "--forge", "github", "--config", str(config), "--tags", f"file:{world.tags}"]
        options += ["--format", "json", "--output", str(report)]

        def begin_again() -> None:
            """Put GitHub back, once the last request of a killed pass was answered."""
            settle(here)
            shutil.rmtree(tmp_path / "github", ignore_errors=True)
            now[0] = world.github.copy(tmp_path / "github")
            hosted.unlink(missing_ok=True)
            hosted.symlink_to(now[0].git.directory)

        environment = {
            "GITHUB_TOKEN": "bot-token",
            "GITHUB_API_URL": server.url,
            "GITHUB_SERVER_URL": f"file://{tmp_path}/server",
        }
        with warm_process(tmp_path / "warm", environment) as passes:
            calm = []
            for _ in range(3):
                begin_again()
                calm.append(passes.run(*options))
                assert is_right(calm[-1], report)
            expected = numberless(now[0])
            calls = len(now[0].calls)

            killed = changed = 0
            for number, moment in enumerate(moments(median(ended.seconds for ended in calm))):
                begin_again()
                if number % 4 == 0:
                    shutil.rmtree(cache)
                untouched = now[0].state()
                ended = passes.run(*options, kill_after=moment, with_git=number % 4 < 2)
                settle(here)
                killed += ended.status == -signal.SIGKILL
                changed += now[0].state() not in (untouched, expected)
                assert is_right(passes.run(*options), report)
                assert numberless(now[0]) == expected
                # Half a pack of a git that was killed is taken away a day later.
                assert leftovers(cache / "clones/demisto__content", "*.lock") == []
                if killed == KILLS:
                    break
            assert killed == KILLS
            assert changed > 0, f"no pass was killed amid its {calls} calls"
    now[0].git.run("fsck", "--strict")


def connections() -> set[threading.Thread]:
    """Return the threads of the server that have a client."""
    return {thread for thread in threading.enumerate() if "process_request_thread" in thread.name}


def settle(here: set[threading.Thread]) -> None:
    """Wait until the server has answered everything that was sent to it, but for clients of this process."""
    while connections() - here:
        time.sleep(0.001)
