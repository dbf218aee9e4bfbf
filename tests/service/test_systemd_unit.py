import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.tools import miss

PAGE = Path(__file__).resolve().parents[2] / "docs" / "service.md"


@pytest.fixture(scope="module")
def unit() -> str:
    (text,) = re.findall(r"```ini\n(\[Unit\].*?)```", PAGE.read_text(), re.DOTALL)
    return str(text)


def run_systemd_analyze(*arguments: str | Path) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        message = "systemd-analyze is not installed; get it with: apt-get install systemd"
        miss(message)
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def write(folder: Path, unit: str) -> Path:
    """Write the unit with a program that exists in the place of autobump."""
    file = folder / "autobump.service"
    file.write_text(unit.replace("/opt/autobump/bin/autobump", "/bin/true"))
    return file


def test_systemd_has_nothing_to_say_against_the_unit(unit: str, tmp_path: Path) -> None:
    assert run_systemd_analyze("verify", write(tmp_path, unit)) == ""


def test_unit_is_hardened(unit: str, tmp_path: Path) -> None:
    run_systemd_analyze("security", "--offline=true", "--threshold=25", write(tmp_path, unit))


def test_unit_calls_a_command_that_exists_and_waits_long_enough_for_its_end(unit: str) -> None:
    from autobump.cli import cli
    from autobump.service.process import STOP_SECONDS

    start = re.search(r"^ExecStart=\S+ (--log-format json) schedule (.*)$", unit, re.MULTILINE)
    assert start is not None
    cli.make_context("autobump", [*start[1].split(), "schedule"])
    cli.commands["schedule"].make_context("schedule", start[2].split())
    timeout = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert timeout is not None
    assert int(timeout[1]) > 30 > STOP_SECONDS
