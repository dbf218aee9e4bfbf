"""Items run in real containers: podman and runc, images made of Debian's packages, pulled from a registry."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.evidence.container import Container, ContainerLostError
from autobump.evidence.engine import Bounds, Engine, EngineError, name_container
from tests.fixtures.engine import EMPTY, World, docker_of_podman, open_world, publish, require_engine
from tests.fixtures.github import GitHubStandIn, standing_in
from tests.fixtures.repositories import make_repository, pack_metadata
from tests.fixtures.servers import serve

START = "import demistomock as demisto\nfrom CommonServerPython import *\n"
GUARD = "if __name__ in ('__main__', '__builtin__', 'builtins'):\n    main()\n"


@dataclass(frozen=True)
class Case:
    """A small item, and what is expected of it.

    Attributes:
        code: Its code.
        verdict: The verdict.
        detail: What the detail holds.
        image: `python3` for a pair whose packages differ, `pypy` for one whose Python differs.
        unified: Its code stands in the YAML file.
        tests: Its unit tests.
    """

    code: str
    verdict: str
    detail: str = ""
    image: str = "python3"
    unified: bool = False
    kind: str = "script"
    language: str = "python"
    tests: str = ""


TRY = "try:\n    import gone\nexcept ImportError:\n    "
MAPPING = "from collections import Mapping\n"
NO_GONE = "No module named 'gone'"
NO_BEFORE = "cannot import name 'before'"
RAISES = "def main():\n    raise ValueError()\n"

CASES = {
    "ImportsWhatStays": Case("import steady\n", "same"),
    "ImportsWhatIsGone": Case("import gone\n", "breaks", f"{NO_GONE} (line 3)"),
    "ImportsWhatIsGoneInAFunction": Case("def main():\n    import gone\n", "breaks", "(line 4)"),
    "TakesARenamedName": Case("from renamed import before\n", "breaks", NO_BEFORE),
    "TakesARenamedNameInAMethod": Case(
        "class A(object):\n    def f(self):\n        from renamed import before\n", "breaks", "(line 5)"
    ),
    "TakesTheNewName": Case("from renamed import after\n", "mends", "cannot import name 'after'"),
    "ImportsWhatIsFresh": Case("import fresh\n", "mends", "No module named 'fresh'"),
    "CanDoWithout": Case(f"{TRY}gone = None\n", "inconclusive", "do without"),
    "HasAnotherInReserve": Case(f"{TRY}import steady as gone\n", "same"),
    "TriesAndGivesUp": Case(f"{TRY}raise\n", "breaks", NO_GONE),
    "ReservesAreGoneToo": Case(f"{TRY}from renamed import before\n", "breaks", NO_BEFORE),
    "ImportsForTypesOnly": Case(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gone\n", "same"
    ),
    "ImportsForOldPythonsOnly": Case("import sys\nif sys.version_info < (3, 0):\n    import gone\n", "same"),
    "ImportsASubmodule": Case("import os.path\nfrom xml import dom\n", "same"),
    "LacksInBoth": Case("import nowhere\n", "inconclusive", "fails alike in both images"),
    "FailsInBoth": Case("x = {}['no']\n", "inconclusive", "KeyError: 'no' (line 3)"),
    "UsesASharedModule": Case("from PartApiModule import *\ndef main():\n    part()\n", "same"),
    "SharedModuleBreaks": Case("from GoneApiModule import *\n", "breaks", NO_GONE),
    "Unified": Case("import gone\n", "breaks", NO_GONE, unified=True),
    "UnifiedIntegration": Case(
        "url = demisto.params()['url']\nimport steady\n", "same", unified=True, kind="integration"
    ),
    "CallsMainWithoutGuard": Case(f"{RAISES}main()\n", "same"),
    "CallsMainInATry": Case(f"{RAISES}try:\n    main()\nexcept KeyError:\n    pass\n", "same"),
    "HasAGuard": Case(RAISES + GUARD, "same"),
    "SpeaksPython2": Case("print 'x'\n", "inconclusive", "SyntaxError"),
    "LoopsForEver": Case("while True:\n    pass\n", "inconclusive", "does not end in time"),
    "PrintsForEver": Case("while True:\n    print('x' * 100000)\n", "inconclusive", "prints too much"),
    "Exits": Case("import sys\nsys.exit(1)\n", "same"),
    "ReturnsAnError": Case("return_error('no')\n", "same"),
    "LeavesThreads": Case(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n", "same"
    ),
    "LeavesProcesses": Case(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n", "same"
    ),
    "UsesThePlatform": Case("class Client(BaseClient):\n    pass\nreturn_results(demisto.args())\n", "same"),
    "TakesMappingFromCollections": Case(MAPPING, "breaks", "cannot import name 'Mapping'", "pypy"),
    "TakesMappingWhereItIs": Case("from collections.abc import Mapping\n", "same", image="pypy"),
    "TakesMappingFromEither": Case(
        f"try:\n    {MAPPING}except ImportError:\n    from collections.abc import Mapping\n",
        "same",
        image="pypy",
    ),
    "NewSyntax": Case("match 1:\n    case 1:\n        pass\n", "mends", "SyntaxError", "pypy"),
    "AsksForTheLibraryOfTheNew": Case("import tomllib\n", "mends", "No module named 'tomllib'", "pypy"),
    "PowerShell": Case("exit\n", "not-run", "PowerShell code is not run", language="powershell"),
}

PLATFORM = """\
class BaseClient(object):
    pass


def return_results(results):
    demisto.results(results)


def return_error(message):
    import sys

    sys.exit(0)
"""
SHARED = {
    "PartApiModule": "from CommonServerPython import *\nimport steady\ndef part():\n    return steady.X\n",
    "GoneApiModule": "from PartApiModule import *\nimport gone\n",
}


def item_files(name: str, case: Case) -> dict[str, str | bytes]:
    tag = {"python3": "3.11.2.1", "pypy": "3.9.16.1"}[case.image]
    image = f"demisto/{case.image}:{tag}"
    code = START + case.code if case.language == "python" else case.code
    folder = f"Packs/Made/{'Integrations' if case.kind == 'integration' else 'Scripts'}"
    head = f"commonfields:\n  id: {name}\n  version: -1\nname: {name}\ndisplay: {name}\n"
    text = json.dumps(code) if case.unified else "'-'"
    if case.kind == "integration":
        yaml = (
            f"{head}configuration:\n- name: url\n  type: 0\n"
            f"script:\n  script: {text}\n  type: {case.language}\n"
            f"  subtype: python3\n  dockerimage: {image}\n"
        )
    else:
        yaml = f"{head}script: {text}\ntype: {case.language}\nsubtype: python3\ndockerimage: {image}\n"
    if case.unified:
        return {f"{folder}/{name}.yml": yaml}
    suffix = "py" if case.language == "python" else "ps1"
    files: dict[str, str | bytes] = {
        f"{folder}/{name}/{name}.yml": yaml,
        f"{folder}/{name}/{name}.{suffix}": code,
    }
    return files | ({f"{folder}/{name}/{name}_test.py": case.tests} if case.tests else {})


def make_content(folder: Path, cases: dict[str, Case]) -> Path:
    files: dict[str, str | bytes] = {"Packs/Made/pack_metadata.json": pack_metadata(name="Made")}
    for name, case in cases.items():
        files |= item_files(name, case)
    files["Packs/Base/Scripts/CommonServerPython/CommonServerPython.py"] = PLATFORM
    for name, code in SHARED.items():
        files[f"Packs/ApiModules/Scripts/{name}/{name}.py"] = code
    return make_repository(folder / "content", files).directory


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    require_engine()
    with open_world(tmp_path_factory.mktemp("engine")) as made:
        yield made
        # A killed pass leaves what it pulled.
        for name in set(images(made)):
            Engine("podman").remove(name)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def verify(world: World, content: Path, cache: Path, *arguments: str, status: int | None = None) -> Any:
    """Run `autobump verify` and return its report."""
    output = cache.parent / "report.json"
    ended = run_command(
        [
            "verify", "--repo", str(content), "--set", f"registry.cache={cache}", "--set",
            f"registry.source=oci:http://{world.registry}", "--set", "registry.facts=none", "--set",
            "registry.deprecated_images=none", "--set", "verify.timeout=3 seconds",
            "--format", "json", "--output", str(output), *arguments,
        ]
    )  # fmt: skip
    report = json.loads(output.read_text())
    assert status is None or ended == status, evidence(report)
    return report


def evidence(report: Any) -> dict[str, tuple[str, str]]:
    return {
        bump["name"]: (bump["evidence"]["verdict"], bump["evidence"]["detail"] or "")
        for bump in report["bumps"]
        if bump["evidence"]
    }


def containers() -> list[str]:
    listed = subprocess.run(
        ["podman", "ps", "--all", "--format", "{{.Names}}"], check=True, capture_output=True, text=True
    )
    return [name for name in listed.stdout.split() if name.startswith("autobump-")]


def images(world: World) -> list[str]:
    """Return the images of the test's registry on this machine."""
    listed = ["podman", "images", "--format", "{{.Repository}}@{{.Digest}}"]
    listed += ["--filter", f"reference={world.registry}/*/*"]
    return sorted(subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split())


class Counted:
    """Counts the containers that are started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images: list[str] = []
        made = Container.__init__

        def count(this: Container, engine: Engine, image: str, bounds: Bounds, mount: str = "") -> None:
            self.images.append(image)
            made(this, engine, image, bounds, mount)

        monkeypatch.setattr(Container, "__init__", count)


def test_each_item_gets_its_verdict_and_one_container_serves_each_image(
    world: World, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, before = Counted(monkeypatch), images(world)
    content = make_content(tmp_path, CASES)
    report = verify(world, content, cache, "--engine", "podman", status=1)
    found = evidence(report)
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        name: case.verdict for name, case in CASES.items()
    }
    assert {name for name, case in CASES.items() if case.detail not in found[name][1]} == set()
    assert len(started.images) == 4
    assert all("@sha256:" in image for image in started.images)
    assert (containers(), images(world)) == ([], before)
    # What does not change is remembered; what did not end is tried again.
    started.images.clear()
    again = verify(world, content, cache, "--engine", "podman", "--path", "*/Imports*", status=1)
    assert (started.images, evidence(again)["ImportsWhatIsGone"][0]) == ([], "breaks")


def test_docker_command_says_the_same(
    world: World, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, before = ("ImportsWhatStays", "ImportsWhatIsGone", "ImportsWhatIsFresh"), images(world)
    content = make_content(tmp_path, {name: CASES[name] for name in names})
    with docker_of_podman(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        found = evidence(verify(world, content, cache, "--engine", "docker", status=1))
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        name: CASES[name].verdict for name in names
    }
    assert (containers(), images(world)) == ([], before)


TESTED = "from {0} import f\ndef test_f():\n    assert f() == 1\ndef test_other():\n    assert {1}\n"
F = "import renamed\ndef f():\n    return getattr(renamed, '{}')()\n"
TESTED_CASES = {
    "TestsPass": Case("import steady\ndef f():\n    return 1\n", "same"),
    "TestsFailInTheNew": Case(F.format("before"), "breaks", "test_f"),
    "TestFailsInBoth": Case("def f():\n    return 1\n", "same"),
    "TestsMend": Case(F.format("after"), "mends", "test_f"),
}


def test_unit_tests_are_compared_one_by_one(world: World, tmp_path: Path, cache: Path) -> None:
    cases = {
        name: replace(case, tests=TESTED.format(name, name != "TestFailsInBoth"))
        for name, case in TESTED_CASES.items()
    }
    content = make_content(tmp_path, cases)
    # The first start of pytest in an image takes seconds.
    options = ("--engine", "podman", "--level", "tests", "--set", "verify.timeout=60 seconds")
    report = verify(world, content, cache, *options, status=1)
    found = evidence(report)
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        name: case.verdict for name, case in TESTED_CASES.items()
    }
    assert {name for name, case in TESTED_CASES.items() if case.detail not in found[name][1]} == set()
    assert {bump["evidence"]["level"] for bump in report["bumps"]} == {"tests"}


HOSTILE = {
    "network": ("import socket\nsocket.create_connection(('192.0.2.1', 80), 2)", "OSError"),
    "the system": ("open('/usr/lib/x', 'w')", "OSError"),
    "the root": ("import os\nos.setuid(0)", "PermissionError"),
    "the keeper's channel": ("open('/proc/1/fd/1', 'w')", "PermissionError"),
    "the keeper's memory": ("open('/proc/1/mem', 'r+b')", "PermissionError"),
    "devices": ("open('/dev/mem', 'rb')", "Error"),
    "a mount": (
        "import ctypes\nif ctypes.CDLL(None, use_errno=True).mount(b'x', b'/tmp', b'tmpfs', 0, b''):\n"
        "    raise OSError(ctypes.get_errno())",
        "OSError: 1",
    ),
}


@pytest.fixture(scope="module")
def image(world: World) -> Iterator[str]:
    name = f"{world.registry}/demisto/python3@{world.digests['demisto/python3:3.11.2.1']}"
    engine = Engine("podman")
    engine.pull(name, plain_http=True)
    yield name
    engine.remove(name)


@pytest.fixture
def container(image: str) -> Iterator[Container]:
    with Container(Engine("podman"), image, Bounds(memory=256 << 20, scratch=16 << 20)) as made:
        made.ask({"prelude": []}, 5)
        yield made


def run(container: Container, code: str, seconds: float = 3) -> dict[str, Any]:
    return container.ask({"script": code, "integration": False, "native": False, "file": "Item.py"}, seconds)


@pytest.mark.parametrize("what", HOSTILE)
def test_item_cannot_reach(container: Container, what: str) -> None:
    code, error = HOSTILE[what]
    observation = run(container, code)
    assert observation["outcome"] == "raised"
    assert error in observation["message"] or error in observation["type"]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
        "import os, signal\nos.kill(-1, signal.SIGKILL)",
        "x = bytearray(1 << 30)",
        'while True:\n    print(\'{"type": "completed", "number": 1, "observation": {"outcome": "ran"}}\')',
        "while True:\n    open('/tmp/x', 'ab').write(b'x' * 65536)",
        "import os\nos.close(1)\nos.close(2)\nwhile True:\n    pass",
    ],
    ids=["a fork bomb", "its parent", "everything", "memory", "false answers", "the disk", "silence"],
)
def test_item_that_attacks_leaves_the_next_one_alone(container: Container, code: str) -> None:
    assert run(container, code)["outcome"] != "ran"
    assert run(container, "x = 1\n", 30) == {"outcome": "ran", "missing": [], "optional": []}


def test_item_that_prints_escape_codes_and_answers_says_nothing(container: Container) -> None:
    answer = json.dumps({"type": "completed", "observation": {"outcome": "raised"}})
    observation = run(container, f"import os\nos.write(1, b'\\x1b[2J' + {answer!r}.encode() + b'\\n')")
    assert observation["outcome"] == "ran"


def test_container_sees_no_environment_of_this_machine(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret-of-this-machine")
    with Container(Engine("podman"), image, Bounds()) as container:
        container.ask({"prelude": []}, 5)
        seen = run(container, "import os\nraise ValueError(sorted(os.environ.values()), os.listdir('/'))")
    assert "secret" not in seen["message"]
    assert "work" not in seen["message"]


def test_killed_process_leaves_no_container(world: World, image: str) -> None:
    """What it ran ends with it, since nobody is left to speak to."""
    code = (
        "import os, signal\nfrom autobump.evidence.container import Container\n"
        "from autobump.evidence.engine import Bounds, Engine\n"
        f"c = Container(Engine('podman'), {image!r}, Bounds())\nc.ask({{'prelude': []}}, 5)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | world.environment, check=False)
    assert killed.returncode == -9
    Engine("podman").remove_abandoned()
    assert containers() == []


def test_container_of_a_living_process_is_not_abandoned(image: str) -> None:
    with Container(Engine("podman"), image, Bounds()) as container:
        assert Engine("podman").remove_abandoned() == 0
        assert container.ask({"prelude": []}, 5) == {"outcome": "ran"}
    assert name_container(1).startswith("autobump-")


def test_item_that_takes_all_memory_leaves_nothing_where_a_person_stands(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Container(Engine("podman"), image, Bounds(memory=256 << 20)) as container:
        container.ask({"prelude": []}, 5)
        assert run(container, "x = bytearray(1 << 30)")["outcome"] != "ran"
    assert list(tmp_path.iterdir()) == []


def test_container_that_ends_is_told(image: str) -> None:
    with Container(Engine("podman"), image, Bounds()) as container:
        subprocess.run(["podman", "kill", *containers()], check=True, capture_output=True)
        with pytest.raises(ContainerLostError):
            container.ask({"prelude": []}, 5)


def test_image_without_python_says_so(world: World) -> None:
    with pytest.raises(EngineError, match="has no python"):
        Container(Engine("podman"), EMPTY, Bounds())


def test_image_without_a_shell_runs(world: World, image: str) -> None:
    """The images here have none, and the runner asks for none."""
    with Container(Engine("podman"), image, Bounds()) as container:
        container.ask({"prelude": []}, 5)
        seen = run(container, "import os\nraise ValueError(os.path.exists('/bin/sh'))")
    assert seen["message"] == "ValueError: False"
    assert world.registry


def test_image_that_the_registry_lacks_says_so(world: World) -> None:
    with pytest.raises(EngineError, match="the registry has no such image"):
        Engine("podman").pull(f"{world.registry}/demisto/python3:9.9.9.9", plain_http=True)


class Bot:
    """The bot, a repository on GitHub's stand-in, and the engine."""

    def __init__(self, folder: Path, world: World, github: GitHubStandIn) -> None:
        self.github = github
        self._report = folder / "report.json"
        settings = folder / "settings.yml"
        settings.write_text(
            json.dumps(
                {
                    "registry": {
                        "source": f"oci:http://{world.registry}",
                        "cache": str(folder / "cache"),
                        "facts": "none",
                        "deprecated_images": "none",
                    },
                    "pull_requests": {"write_pause": "0 seconds"},
                    "verify": {"engine": "podman"},
                }
            )
        )
        self._options = ["--repo", str(github.git.directory), "--rev", "master", "--config", str(settings)]

    def run(self, *arguments: str) -> Any:
        options = ["--forge", "github", *self._options, "--format", "json", "--output", str(self._report)]
        assert run_command(["run", *options, *arguments]) == 0
        return json.loads(self._report.read_text())


@pytest.fixture
def bot(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    chosen = ("ImportsWhatStays", "ImportsWhatIsGone", "ImportsWhatIsFresh", "LacksInBoth")
    files: dict[str, str | bytes] = {}
    for name in chosen:
        own = item_files(name, CASES[name])
        files |= {path.replace("Packs/Made/", f"Packs/{name}/"): data for path, data in own.items()}
        files[f"Packs/{name}/pack_metadata.json"] = pack_metadata(name=name)
    files["Packs/Base/Scripts/CommonServerPython/CommonServerPython.py"] = PLATFORM
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        yield Bot(tmp_path, world, github)


def test_pull_request_says_what_was_proven_and_a_second_pass_runs_nothing(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Counted(monkeypatch)
    made = bot.run()["pull_requests"]
    by_title = {pr["title"]: pr for pr in made}
    assert set(by_title) == {
        "Update demisto/python3 to 3.11.2.2 (3 packs)",
        "Update demisto/python3 to 3.11.2.2 (1 pack, may break)",
    }
    broken = bot.github.pull(by_title["Update demisto/python3 to 3.11.2.2 (1 pack, may break)"]["number"])
    assert "autobump:breaking" in broken.labels
    assert "**breaks**: `ModuleNotFoundError: No module named 'gone' (line 3)`" in broken.body
    assert bot.github.statuses[bot.github.head_of(broken.branch)] == {
        "autobump/verify": ("failure", "1 breaks")
    }
    assert len(started.images) == 2
    started.images.clear()
    assert [pr["action"] for pr in bot.run()["pull_requests"]] == ["leave", "leave"]
    assert (started.images, containers()) == ([], [])


def test_newer_target_runs_in_the_new_image_alone(
    bot: Bot, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.run()
    started = Counted(monkeypatch)
    with publish(world, "demisto/python3:3.11.2.3", "demisto/python3:later"):
        report = bot.run("--refresh")
    assert started.images == [f"{world.registry}/demisto/python3@{world.digests['demisto/python3:later']}"]
    assert evidence(report)["ImportsWhatIsGone"] == ("same", "")
    assert {pr["action"] for pr in report["pull_requests"]} == {"refresh"}


def test_kill_between_container_and_pull_request_loses_no_evidence(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr("autobump.passes.apply.apply", kill)
        try:
            bot.run()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert (containers(), bot.github.pulls) == ([], [])
    started = Counted(monkeypatch)
    assert [pr["action"] for pr in bot.run()["pull_requests"]] == ["create", "create"]
    assert started.images == []


def test_pull_request_is_made_all_the_same_where_there_is_no_engine(
    bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    report = bot.run("--set", "verify.engine=auto")
    assert [pr["action"] for pr in report["pull_requests"]] == ["create"]
    assert {(bump["evidence"]["verdict"], bump["evidence"]["detail"]) for bump in report["bumps"]} == {
        ("not-run", "there is no docker or podman on this machine; install one")
    }


def test_other_machine_gets_the_evidence_as_a_file(
    bot: Bot, world: World, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Counted(monkeypatch)
    content = bot.github.git.directory
    found = verify(world, content, cache, "--rev", "master", "--engine", "podman", status=1)
    assert len(started.images) == 2
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(found))
    report = bot.run("--set", "verify.engine=none", "--evidence", str(file))
    assert len(started.images) == 2
    assert evidence(report) == evidence(found)


def test_open_pull_requests_are_verified_by_hand(bot: Bot, tmp_path: Path, cache: Path, world: World) -> None:
    bot.run("--set", "verify.engine=none", "--pack", "ImportsWhatIsGone")
    found = verify(
        world, bot.github.git.directory, cache, "--rev", "master", "--engine", "podman", "--forge", "github",
        status=1,
    )  # fmt: skip
    assert evidence(found) == {"ImportsWhatIsGone": ("breaks", f"ModuleNotFoundError: {NO_GONE} (line 3)")}
