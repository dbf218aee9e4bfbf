"""What the documents say is there, is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autobump.demo import run_demo

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = ("README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md")


def named_tests(document: str) -> set[str]:
    """Return every path below `tests` that a document names."""
    return set(re.findall(r"(?<![\w/])tests(?:/[\w.-]+)+", (ROOT / document).read_text()))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    named = named_tests(document)
    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize(
    ("document", "heading"),
    [
        ("README.md", "What happens when…"),
        (".github/SECURITY.md", "What each secret may do"),
        (".github/SECURITY.md", "What somebody can reach at most"),
    ],
)
def test_every_claim_of_a_table_names_what_shows_it(document: str, heading: str) -> None:
    section = (ROOT / document).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.split("\n") if row.startswith("| ") and not row.startswith("| ---")]
    claims = [row for row in rows if f"{row}\n| ---" not in section]
    assert len(claims) > 5
    assert [row for row in claims if "`tests/" not in row.split("|")[-2]] == []


def test_commands_on_the_sample_work_as_they_are_written(tmp_path: Path) -> None:
    (block,) = re.findall(r"^    cp -R autobump/demo/content .*?(?=^\S)", README, re.MULTILINE | re.DOTALL)
    assert block.count("\n    autobump ") == 5
    clone, programs = tmp_path / "clone", tmp_path / "programs"
    shutil.copytree(ROOT / "autobump" / "demo", clone / "autobump" / "demo")
    programs.mkdir()
    (programs / "autobump").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m autobump "$@"\n')
    (programs / "autobump").chmod(0o755)
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = os.environ | identity
    environment |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["sh", "-ec", block], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "risk    breaking              imports distutils" in done.stdout


def test_pull_request_that_is_shown_is_one_of_the_demo() -> None:
    said: list[str] = []
    run_demo(said.append)
    made = next(text for text in said if "+++ b/Packs/PageReader" in text).splitlines()
    (diff,) = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)
    assert [line for line in diff.splitlines() if line not in made] == []
    title, *_ = re.findall(r"^> \*\*(Update .*)\*\* · ", README, re.MULTILINE)
    assert f"\n{title}\n" in "".join(said)
    risks = re.findall(r"^> (- \*\*(?:breaking|review)\*\*: .*)$", README, re.MULTILINE)
    assert len(risks) == 2
    assert all(f"\n{risk}\n" in "\n".join(said) for risk in risks)
