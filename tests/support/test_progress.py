import sys

import pytest
from rich.progress import Progress as RichProgress

from autobump.support.http.retry import Retrier, RetryLater
from autobump.support.progress import WRITING, open_progress


def test_bar_says_what_is_waited_for_until_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    update = RichProgress.update

    def watch(bars: RichProgress, *arguments: object, **fields: object) -> None:
        seen.append(str(fields.get("waits")))
        update(bars, *arguments, **fields)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(RichProgress, "update", watch)
    calls = iter([RetryLater(OSError("hub.docker.com cannot\nbe reached")), None])

    def attempt() -> None:
        if failure := next(calls):
            raise failure

    with open_progress() as progress:
        progress.begin("Asking for tags", 1)
        Retrier(10, lambda wait: wait.failure, sleep=lambda _: None).call(attempt)
        progress.step()
    assert seen[0].startswith("waits 1 s: hub.docker.com cannot")
    assert "\n" not in seen[0]
    assert seen[1] == ""


def test_wait_without_a_bar_is_told_to_nobody() -> None:
    calls = iter([RetryLater(OSError("x")), None])

    def attempt() -> str:
        if failure := next(calls):
            raise failure
        return "done"

    assert Retrier(10, lambda wait: wait.failure, sleep=lambda _: None).call(attempt) == "done"


def interrupt(done: int, of: int, task: str) -> None:
    with open_progress() as progress:
        if of:
            progress.begin(task, of)
        for _ in range(done):
            progress.step()
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("done", "of", "task", "told"),
    [
        (0, 0, "", "while reading; nothing was written"),
        (1, 1200, "Asking for tags", "while asking for tags (1 of 1,200); nothing was written"),
        (
            0,
            10,
            WRITING,
            "while writing pull requests (0 of 10); one may be half done, which the next pass finishes",
        ),
    ],
)
def test_interrupt_says_what_was_under_way_and_what_became_of_it(
    done: int, of: int, task: str, told: str
) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupt(done, of, task)
    assert str(caught.value) == told
