import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from autobump.passes.result import PassResult
from autobump.service import process
from autobump.service.process import find_next_due, run_schedule
from autobump.settings.load import LoadedSettings
from autobump.settings.model import ScheduleSettings, Settings
from autobump.support.errors import AutobumpError, ExitCode, SettingsError
from autobump.support.http.request_count import RequestCount
from autobump.support.progress import Progress

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def dues(cron: str, timezone: str = "UTC", *, after: datetime = MONDAY, count: int = 3) -> list[str]:
    settings = ScheduleSettings(cron=cron, timezone=timezone)
    found = []
    for _ in range(count):
        due = find_next_due(settings, after)
        assert due is not None
        found.append(due.astimezone(UTC).strftime("%a %d %H:%M:%S"))
        after = due.astimezone(UTC) + timedelta(microseconds=1)
    return found


def test_default_is_at_three_on_working_days() -> None:
    friday = datetime(2026, 6, 5, 2, tzinfo=UTC)
    assert dues(ScheduleSettings().cron, after=friday) == [
        "Fri 05 03:00:00",
        "Mon 08 03:00:00",
        "Tue 09 03:00:00",
    ]


def test_seconds_and_time_zone_count() -> None:
    assert dues("*/30 * * * * *") == ["Mon 01 00:00:00", "Mon 01 00:00:30", "Mon 01 00:01:00"]
    assert dues("0 3 * * *", "Asia/Tokyo", count=1) == ["Mon 01 18:00:00"]


def test_day_of_month_or_weekday_is_enough_when_both_are_given() -> None:
    assert dues("0 0 3 * tue") == ["Tue 02 00:00:00", "Wed 03 00:00:00", "Tue 09 00:00:00"]


@pytest.mark.parametrize("month", ["2026-03", "2026-10"])
def test_daily_pass_comes_every_day_also_when_clocks_change(month: str) -> None:
    after = datetime.fromisoformat(f"{month}-20T00:00:00+00:00")
    settings = ScheduleSettings(cron="30 2 * * *", timezone="Europe/Berlin")
    for day in range(12):
        morning = after + timedelta(days=day)
        due = find_next_due(settings, morning)
        assert due is not None
        assert due - morning < timedelta(hours=2)


def loaded() -> LoadedSettings:
    return LoadedSettings(Settings(schedule=ScheduleSettings(listen=None)), "s.yml")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name.startswith("autobump")]


def always(do: Callable[[Progress], None]) -> Callable[[LoadedSettings, Progress, RequestCount], PassResult]:
    def perform(_: LoadedSettings, progress: Progress, __: RequestCount) -> PassResult:
        do(progress)
        raise AutobumpError("no pass in this test")

    return perform


def test_pass_that_does_not_stop_in_time_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.01)
    release, ended = threading.Event(), threading.Event()

    def hang(progress: Progress) -> None:
        progress.begin("Asking for tags", 12)
        progress.step()
        os.kill(os.getpid(), signal.SIGTERM)
        release.wait()
        ended.set()

    with caplog.at_level("INFO"):
        assert run_schedule(loaded, always(hang), at_once=True) == ExitCode.DONE
    assert "the pass did not stop in time and is cut off; the next one ends what it began" in messages(caplog)
    (waits,) = (vars(one) for one in caplog.records if one.message.startswith("waiting for the pass"))
    assert waits["message"].endswith("a second Ctrl-C ends it at once")
    assert (waits["at"], waits["at_most_seconds"]) == ("Asking for tags, 1 of 12", 0.01)
    release.set()
    ended.wait()


def test_signals_are_given_back(caplog: pytest.LogCaptureFixture) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]

    def stop(progress: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            progress.step()

    with caplog.at_level("INFO"):
        assert run_schedule(loaded, always(stop), at_once=True) == ExitCode.INTERRUPTED
    assert messages(caplog)[-1] == "stopped"
    assert "stopping" in messages(caplog)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before


def test_service_outlives_settings_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[LoadedSettings | Exception] = [loaded(), SettingsError(()), OSError("odd"), loaded()]
    told = {
        "the new settings cannot be used; the old ones stay",
        "the settings cannot be read; the old ones stay",
        "settings reloaded",
    }

    def load() -> LoadedSettings:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def reload(_: Progress) -> None:
        seen: set[str] = set()
        try:
            for _answer in range(3):
                os.kill(os.getpid(), signal.SIGHUP)
                for _look in range(30_000):
                    if (now := told & set(messages(caplog))) != seen:
                        break
                    time.sleep(0.001)
                seen = now
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with caplog.at_level("INFO"):
        assert run_schedule(load, always(reload), at_once=True) == ExitCode.DONE
    assert told <= set(messages(caplog))
    assert answers == []
