import json
import logging
from typing import Any

import pytest

from autobump.images.lookup import look_up_digests
from autobump.images.sources.snapshot import SnapshotSource
from autobump.support.logs import LogFormat, log_fields, log_what_is_done, report_failure, start_logging
from autobump.support.progress import Silent
from autobump.support.secrets import Secret

_log = logging.getLogger("autobump.test")


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_text_line_has_the_fields_behind_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(1)
    with log_fields(run="r1"):
        _log.info("pull request", extra={"image": "demisto/x", "pull_request": 7})
    assert capsys.readouterr().err == (
        "autobump: info: pull request (run=r1, image=demisto/x, pull_request=7)\n"
    )


def test_json_line_has_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(1, LogFormat.JSON)
    with log_fields(run="r1", repository="demisto/content"):
        _log.info("pull request", extra={"packs": ["A", "B"], "pull_request": 7, "image": None})
    _log.debug("a detail")
    (line,) = told(capsys)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "autobump.test",
        "message": "pull request",
        "run": "r1",
        "repository": "demisto/content",
        "packs": ["A", "B"],
        "pull_request": 7,
        "image": None,
    }


def test_fields_are_gone_after_their_block(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(0)
    with log_fields(run="r1"), log_fields(image="x"):
        _log.warning("one")
    _log.warning("two")
    assert capsys.readouterr().err == ("autobump: warning: one (run=r1, image=x)\nautobump: warning: two\n")


def test_threads_that_ask_for_tags_log_with_the_fields_of_the_pass(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Telling(SnapshotSource):
        def fetch_digest(self, repository: str, tag: str) -> str | None:
            _log.warning("asked", extra={"image": repository})
            return None

    start_logging(0, LogFormat.JSON)
    with log_fields(run="r1"):
        look_up_digests(Telling({}), [("demisto/x", "1"), ("demisto/y", "1")], 2, Silent())
    assert sorted((line["run"], line["image"]) for line in told(capsys)) == [
        ("r1", "demisto/x"),
        ("r1", "demisto/y"),
    ]


@pytest.mark.parametrize("log_format", LogFormat)
def test_secrets_are_hidden_wherever_they_stand_in_a_line(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = 'MARKED-"7f3a\\'
    Secret(marked)
    start_logging(2, log_format)
    with log_fields(run=f"a {marked}"):
        _log.warning("message %s", marked, extra={"cause": ValueError(marked), "packs": [marked]})
        try:
            raise RuntimeError(f"cannot use {marked}")
        except RuntimeError as exc:
            _log.exception("failed")
            report_failure(str(exc), error=exc)
    err = capsys.readouterr().err
    assert "7f3a" not in err
    assert err.count("***") >= 7
    assert "RuntimeError: cannot use ***" in err


@pytest.mark.parametrize("log_format", LogFormat)
def test_text_from_outside_cannot_begin_a_line_of_its_own(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(0, log_format)
    _log.warning("odd", extra={"cause": "one\nautobump: warning: two\r\x1b[2J\u2028\udcff"})
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert not {"\r", "\x1b", "\u2028"} & set(err)


def test_end_of_a_command_is_told_for_people_or_as_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(0)
    report_failure("a.yml:1:1: one", "a.yml:2:1: two")
    assert capsys.readouterr().err == "autobump: a.yml:1:1: one\na.yml:2:1: two\n"
    start_logging(0, LogFormat.JSON)
    report_failure("a.yml:1:1: one", "a.yml:2:1: two")
    (line,) = told(capsys)
    assert (line["level"], line["message"]) == ("error", "a.yml:1:1: one\na.yml:2:1: two")


def test_text_from_outside_cannot_begin_a_line_where_an_end_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging(0)
    report_failure("no file one\nautobump: two\x1b[2J", error=ValueError("three\x1b[2J"))
    err = capsys.readouterr().err
    assert err.splitlines()[-2:] == [
        "ValueError: three\\x1b[2J",
        "autobump: no file one\\nautobump: two\\x1b[2J",
    ]


def test_service_logs_what_is_done_without_being_asked(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(0)
    log_what_is_done()
    _log.info("told")
    start_logging(2)
    log_what_is_done()
    _log.debug("told")
    assert capsys.readouterr().err == "autobump: info: told\nautobump: debug: told\n"
