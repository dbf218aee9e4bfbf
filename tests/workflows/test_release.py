"""A version is published only under its own tag, and with a key that nobody keeps."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autobump import __version__
from tests.fixtures.workflows import ROOT, WORKFLOWS, read_yaml

(RELEASE,) = (path for path in WORKFLOWS if path.name == "release.yml")


def job(name: str) -> Any:
    return read_yaml(RELEASE)["jobs"][name]


@pytest.mark.parametrize(
    ("tag", "status"), [(f"v{__version__}", 0), ("v99.0.0", 1), ("v", 1), ("v$(touch pwned)", 1)]
)
def test_tag_must_be_the_version(tmp_path: Path, tag: str, status: int) -> None:
    (step,) = (step for step in job("build")["steps"] if "TAG" in step.get("env", {}))
    assert step["env"]["TAG"] == "${{ github.ref_name }}"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    environ = {**os.environ, "TAG": tag, "PATH": f"{programs}:{os.environ['PATH']}"}
    command = ["bash", "-e", "-c", step["run"]]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == status
    if status:
        assert f"the tag is not v{__version__}" in ended.stderr
    assert not (ROOT / "pwned").exists()


def test_only_what_was_built_and_attested_is_published() -> None:
    assert (job("attest")["needs"], job("publish")["needs"]) == ("build", "attest")
    assert job("publish")["environment"] == "release"
    assert job("publish")["permissions"] == {"id-token": "write"}
    assert "id-token" not in job("build")["permissions"]
    assert "secrets." not in RELEASE.read_text()
