"""Runs the tests of a module against each of its mutants, every one in a process of its own."""

import gc
import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from hypothesis import Phase, settings

from tests.mutants.mutate import Mutant, make_mutants
from tests.mutants.targets import Target

ROOT = Path(__file__).resolve().parents[2]
_CPU_SECONDS = 60
"""A mutant that takes longer repeats something for ever, and so is told from the original."""
_BYTES = 4 << 30
_PROFILE = "mutants"


class Unfit(Exception):
    """The tests of a module fail without any change of it."""


def run_mutants(target: Target, jobs: int) -> Iterator[tuple[Mutant, bool]]:
    """Yield the mutants of a module and whether its tests tell each of them, in the order of the code.

    Raises:
        Unfit: The tests fail for the module itself.
    """
    source = ROOT / "autobump" / target.module
    code = source.read_text(encoding="utf-8")
    if not _pass(_wait({_start(target, code): 0})[1]):
        raise Unfit(f"the tests of {target.module} fail without a mutant")
    mutants = list(make_mutants(code))
    told: dict[int, bool] = {}
    running: dict[int, int] = {}
    for position, mutant in enumerate(mutants):
        if len(running) >= jobs:
            _collect(running, told)
        running[_start(target, mutant.code)] = position
    while running:
        _collect(running, told)
    for position, mutant in enumerate(mutants):
        yield mutant, told[position]


def load_libraries() -> None:
    """Import what the tests import of others, so that no process has to do it again."""
    names = ("hypothesis.extra", "pydantic", "pygments", "requests", "rich.table", "ruamel.yaml", "tenacity")
    for name in ("click", "cronsim", "github", "jinja2", "packaging.version", "prometheus_client", *names):
        import_module(name)
    # A failure is enough: it need not be made small. The suite's own profile is loaded before this one.
    settings.register_profile(
        _PROFILE, deadline=None, derandomize=True, max_examples=40, phases=(Phase.explicit, Phase.generate)
    )
    gc.freeze()  # no process has to look through what all of them share


def _collect(running: dict[int, int], told: dict[int, bool]) -> None:
    process, status = _wait(running)
    told[running.pop(process)] = not _pass(status)


def _wait(running: dict[int, int]) -> tuple[int, int]:
    process, status = os.wait()
    assert process in running
    return process, status


def _pass(status: int) -> bool:
    return os.waitstatus_to_exitcode(status) == 0


def _start(target: Target, code: str) -> int:
    """Start the tests of a target, with other code as its module, and return the process."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        # An endless loop ends by the first, one that waits by the second, one that fills memory by the third.
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        signal.alarm(10 * _CPU_SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.meta_path.insert(0, _Finder(target.module, code))
        status = int(pytest.main(_arguments(target), plugins=[_Verdict()]))
    finally:
        os._exit(status)


def _arguments(target: Target) -> list[str]:
    plugins = ("randomly", "xdist", "cacheprovider", "pytest_cov", "unraisableexception")
    without = ("-k", f"not ({target.without})") if target.without else ()
    return [
        *(
            "-q",
            "-x",
            "-mnot corpus",
            "--assert=plain",
            f"--rootdir={ROOT}",
            f"--hypothesis-profile={_PROFILE}",
        ),
        *(f"-pno:{plugin}" for plugin in plugins),
        *without,
        *(str(ROOT / "tests" / test) for test in target.tests),
    ]


class _Verdict:
    """Ends the process as soon as it is known how its tests end."""

    @staticmethod
    def pytest_collectreport(report: pytest.CollectReport) -> None:
        if report.failed:
            os._exit(1)

    @staticmethod
    def pytest_runtest_logreport(report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)

    @staticmethod
    def pytest_sessionfinish(exitstatus: int) -> None:
        os._exit(int(exitstatus))


class _Finder(importlib.abc.MetaPathFinder):
    """Gives one module other code."""

    def __init__(self, module: str, code: str) -> None:
        self._name = "autobump." + module.removesuffix(".py").replace("/", ".")
        self._path = str(ROOT / "autobump" / module)
        self._code = code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self._code)
        return importlib.machinery.ModuleSpec(fullname, loader, origin=self._path)


class _Loader(SourceFileLoader):
    """Loads code from memory."""

    def __init__(self, name: str, path: str, code: str) -> None:
        super().__init__(name, path)
        self._mutated = code

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutated, self.path, "exec", dont_inherit=True)
