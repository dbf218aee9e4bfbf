import gc
import ipaddress
import itertools
import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from autobump.images.sources.snapshot import SnapshotSource
from autobump.support import secrets
from autobump.support.lock import lock
from tests.fixtures.corpus import corpus_folder, unpack_content

# Deterministic examples and no verdict on speed: CI must be green for the same commit every time.
settings.register_profile("autobump", deadline=None, derandomize=True, max_examples=150)
settings.load_profile("autobump")

# As in the program itself; nothing of what is collected becomes garbage.
gc.set_threshold(100_000, 50, 50)

# The workers of a run in parallel have the width of its terminal, to which tables keep.
os.environ.pop("COLUMNS", None)

LONGEST = (
    "e2e/test_hostile_content.py",
    "e2e/test_github_pass.py",
    "e2e/test_year.py",
    "evidence/test_in_engine.py",
    "e2e/test_waves_on_corpus.py",
    "e2e/test_service.py",
    "e2e/test_people_pass.py",
    "e2e/test_killed_passes.py",
    "workflows/test_action.py",
    "report/test_html.py",
    "cli/test_cli.py",
    "evidence/test_verify.py",
    "e2e/test_dashboard_pass.py",
    "e2e/test_no_secret_in_output.py",
    "settings/test_mutations.py",
    "content/yaml/test_scan.py",
    "settings/test_effects.py",
    "e2e/test_registry_pass.py",
    "e2e/test_machine_faults.py",
    "content/test_imports.py",
    "e2e/test_corpus_pass.py",
    "e2e/test_soak.py",
    "report/test_html_in_browser.py",
    "e2e/test_batch_pass.py",
    "passes/inspect/test_explain.py",
    "contracts/test_github_description.py",
    "e2e/test_images_on_corpus.py",
    "e2e/test_risk_pass.py",
    "test_fuzz_targets.py",
    "settings/test_starter.py",
    "e2e/test_hostile_registry.py",
    "test_documents.py",
    "e2e/test_several_pass.py",
    "planning/test_order.py",
    "passes/inspect/test_tag_export.py",
    "contracts/test_forges.py",
)
"""The files that take longest, which come first: the processes of a run then end at about the same time."""

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    gc.freeze()  # nor does any test have to look through it


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if host is not None and host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return folders for homes without end; pytest's own way looks through all earlier ones for each."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """Keep the developer's own settings, cache and tokens out of the tests."""
    for name in (
        "AUTOBUMP_CONFIG",
        "GITHUB_TOKEN",
        "GITHUB_API_URL",
        "DOCKERHUB_USERNAME",
        "DOCKERHUB_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("AUTOBUMP__")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(secrets, "_known", set())
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Take back what a command under test did to logging, so that the next test sees its records."""
    logger = logging.getLogger("autobump")
    yield
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def corpus() -> Path:
    return corpus_folder()


@pytest.fixture(scope="session")
def corpus_repository(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """Return a real content repository, one for all processes of the run; tests must not write to it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the run
    ready = folder / "corpus/ready"
    with lock(folder, "corpus", wait=True):
        if not ready.exists():
            unpack_content(folder / "corpus/content")
            ready.touch()
    return folder / "corpus/content"


@pytest.fixture(scope="session")
def corpus_tags(corpus: Path) -> SnapshotSource:
    return SnapshotSource.open(corpus / "images-2026-05.json.xz")
