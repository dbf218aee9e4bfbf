import os
import subprocess
import sys
from pathlib import Path

import pytest

from autobump.evidence.container import Container, ContainerLostError
from autobump.evidence.engine import Bounds, Engine, EngineError, find_engine, name_container
from tests.fixtures.fake_engine import FakeEngine, make_engine

IMAGE = "registry.example/demisto/python3@sha256:1"
HERE = os.uname().nodename
DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
NOT_ALLOWED = (
    "Got permission denied while trying to connect to the Docker daemon socket at "
    "unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied"
)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return make_engine(tmp_path / "bin", monkeypatch)


@pytest.fixture
def engine(fake: FakeEngine) -> Engine:
    return find_engine("docker")


def test_engine_that_is_named_is_taken(fake: FakeEngine) -> None:
    assert find_engine("podman") == Engine("podman")
    assert fake.calls == [["version", "--format", "{{json .}}"]]


def test_first_engine_that_is_there_is_taken(fake: FakeEngine) -> None:
    assert find_engine("auto") == Engine("docker")
    assert find_engine("auto", {"podman": "/bin/podman"}.get) == Engine("podman")


def test_engine_that_does_not_answer_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_engine(tmp_path / "second", monkeypatch, ["podman"])
    make_engine(tmp_path / "first", monkeypatch, ["docker"]).tell(fails={"version": DAEMON})
    assert find_engine("auto") == Engine("podman")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("auto", "there is no docker or podman on this machine; install one"),
        ("podman", "there is no podman on this machine; install one"),
    ],
)
def test_machine_without_an_engine_says_what_to_install(name: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        find_engine(name, lambda _: None)
    assert str(caught.value) == message


def test_all_engines_say_why_they_do_not_answer(fake: FakeEngine) -> None:
    fake.tell(fails={"version": DAEMON})
    with pytest.raises(EngineError) as caught:
        find_engine("auto")
    assert str(caught.value) == (
        "docker cannot be used: it does not run; start it, or name another with verify.engine; "
        "podman cannot be used: it does not run; start it, or name another with verify.engine"
    )


def test_command_that_cannot_be_started_says_so(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake.folder))
    (fake.folder / "docker").write_text("#!/no/such/program\n")
    with pytest.raises(EngineError, match=r"^docker cannot be started: No such file or directory$"):
        Engine("docker").check()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (NOT_ALLOWED, "this user may not use it; add it to the group docker"),
        (DAEMON, "it does not run; start it, or name another with verify.engine"),
        (
            "Error: unable to connect to Podman socket: dial /run/podman.sock: no such file or directory",
            "it does not run; start it, or name another with verify.engine",
        ),
        (
            "failed to register layer: write /usr/lib/x.so: no space left on device",
            "the disk is full; free space, or lower verify.max_pull",
        ),
        (
            "exec /usr/bin/python: exec format error: the file may not be run",
            "the image is made for another architecture than this machine's",
        ),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "there is no image for this machine's architecture",
        ),
        (
            "Error: no image found in manifest list for architecture arm64, variant v8, OS linux",
            "there is no image for this machine's architecture",
        ),
        (
            'exec: "python": executable file not found in $PATH: unknown.',
            "the image has no python in its PATH",
        ),
        ("Error response from daemon: manifest unknown", "the registry has no such image"),
        (
            "Error response from daemon: unauthorized: authentication required",
            "the registry wants a login; see docker login or podman login",
        ),
        (
            "pull access denied for acme/x, repository does not exist or may require 'docker login'",
            "the registry does not let autobump have it; see docker login or podman login",
        ),
        (
            "toomanyrequests: You have reached your pull rate limit",
            "the registry's limit of pulls is reached; log in, or try later",
        ),
        (
            'exec: "python": permission denied: unknown',
            'exec: "python": permission denied: unknown',
        ),
        ("first line\nsomething\x1b[31m else\n\n", "something\\x1b[31m else"),
        ("x" * 1_000, "x" * 300),
        (" \n", "it says nothing"),
    ],
)
def test_what_an_engine_says_is_told_in_a_line_with_what_to_do(said: str, told: str) -> None:
    assert Engine("docker").explain(said, "pull x") == f"docker cannot pull x: {told}"


@pytest.mark.parametrize(
    ("name", "plain_http", "options"),
    [
        ("docker", False, []),
        ("docker", True, []),
        ("podman", False, []),
        ("podman", True, ["--tls-verify=false"]),
    ],
)
def test_image_is_pulled_as_its_registry_speaks(
    fake: FakeEngine, name: str, plain_http: bool, options: list[str]
) -> None:
    Engine(name).pull(IMAGE, plain_http=plain_http)
    assert fake.calls == [["pull", "--quiet", *options, IMAGE]]


def test_image_that_cannot_be_pulled_says_why(fake: FakeEngine, engine: Engine) -> None:
    fake.tell(pulls={IMAGE: "Error: manifest unknown"})
    with pytest.raises(EngineError, match=f"^docker cannot pull {IMAGE}: the registry has no such image$"):
        engine.pull(IMAGE)


def test_images_on_this_machine_are_known(fake: FakeEngine, engine: Engine) -> None:
    assert not engine.has(IMAGE)
    fake.add_images([IMAGE])
    fake.tell(sizes={IMAGE: 77})
    assert engine.has(IMAGE)
    assert engine.describe(IMAGE) == (IMAGE, 77)


def test_image_that_is_not_here_cannot_be_described(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"^docker cannot look at .*: Error: No such image"):
        engine.describe(IMAGE)


def test_container_has_no_network_and_writes_only_to_its_own_scratch() -> None:
    scratch = Path("/") / "tmp"
    command = Engine("podman").run_command(IMAGE, "autobump-x-1-1", "code", Bounds())
    assert command == [
        "podman", "run", "--rm", "--interactive", "--pull", "never",
        "--name", "autobump-x-1-1",
        "--network", "none",
        "--read-only",
        "--tmpfs", f"{scratch}:rw,nosuid,nodev,size=268435456,mode=1777",
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges",
        "--user", "65534:65534",
        "--memory", "1073741824", "--memory-swap", "1073741824",
        "--pids-limit", "64",
        "--workdir", str(scratch),
        "--http-proxy=false",
        "--entrypoint", "python", IMAGE, "-B", "-u", "-c", "code",
    ]  # fmt: skip


def test_container_gets_no_proxy_of_docker() -> None:
    command = Engine("docker").run_command(IMAGE, "name", "code", Bounds())
    given = {command[at + 1] for at, word in enumerate(command) if word == "--env"}
    names = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    assert given == {f"{each}=" for name in names for each in (name, name.lower())}


def test_packages_for_tests_are_the_only_folder_that_a_container_sees() -> None:
    command = Engine("podman").run_command(IMAGE, "name", "code", Bounds(), "/cache/wheels/cp311")
    assert command[command.index("--volume") + 1] == "/cache/wheels/cp311:/wheels:ro"
    assert command.count("--volume") == 1
    assert not {"--mount", "--env", "--device", "--privileged", "--publish"} & set(command)


def test_bounds_and_arguments_of_the_settings_count() -> None:
    bounds = Bounds(memory=512 << 20, processes=8, scratch=1 << 20, arguments=("--runtime=runsc",))
    command = Engine("docker").run_command(IMAGE, "name", "code", bounds)
    assert (
        command[command.index("--memory") + 1] == command[command.index("--memory-swap") + 1] == "536870912"
    )
    assert command[command.index("--pids-limit") + 1] == "8"
    assert "size=1048576," in command[command.index("--tmpfs") + 1]
    assert command.index("--runtime=runsc") < command.index("--entrypoint")


def ended_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_containers_of_processes_that_ended_are_removed_and_no_others(
    fake: FakeEngine, engine: Engine
) -> None:
    abandoned = f"autobump-{HERE}-{ended_process()}-3"
    others = [
        name_container(1),  # of this process
        f"autobump-elsewhere-{ended_process()}-1",
        f"autobump-{HERE}-{ended_process()}",
        f"autobump-{HERE}-{ended_process()}-x",
        f"autobump-{HERE}--1",
        f"autobump-{HERE}-{'9' * 30}-1",
        f"my-autobump-{HERE}-{ended_process()}-1",
        "autobump-",
    ]
    fake.tell(containers=[*others, abandoned])
    assert engine.remove_abandoned() == 1
    assert fake.called("rm") == [abandoned]


@pytest.mark.parametrize("verb", ["ps", "rm", "rmi"])
def test_what_cannot_be_tidied_up_is_left(
    fake: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    fake.tell(containers=[f"autobump-{HERE}-{ended_process()}-1"], fails={verb: DAEMON})
    engine.remove_abandoned()
    engine.remove(IMAGE)
    (fake.folder / "docker").unlink()
    monkeypatch.setenv("PATH", str(fake.folder / "nowhere"))
    assert engine.remove_abandoned() == 0
    engine.remove(IMAGE)
    engine.kill("autobump-x-1-1")


def start(engine: Engine) -> Container:
    return Container(engine, IMAGE, Bounds())


def test_runner_in_a_container_answers(engine: Engine) -> None:
    with start(engine) as container:
        assert (container.python, container.implementation) == ((3, 11, 2), "CPython")
        assert container.ask({"script": "x"}, 10) == {"outcome": "ran", "missing": [], "optional": []}


def test_what_is_no_answer_is_passed_over(fake: FakeEngine, engine: Engine) -> None:
    fake.tell(noise=["", "words", "7", "[" * 100_000, '{"type": "other"}'])
    with start(engine) as container:
        assert container.ask({"script": "x"}, 10)["outcome"] == "ran"


def test_answer_in_the_runners_place_is_odd(fake: FakeEngine, engine: Engine) -> None:
    fake.tell(does={IMAGE: {"x": ["no", "mapping"], "y": {"outcome": "ran", "missing": 7}}})
    with start(engine) as container:
        assert [container.ask({"script": code}, 10) for code in "xy"] == [{"outcome": "odd"}] * 2


def test_container_that_ends_is_lost(fake: FakeEngine, engine: Engine) -> None:
    fake.tell(does={IMAGE: {"x": "dies"}})
    with start(engine) as container, pytest.raises(ContainerLostError, match=r"^ended without an answer$"):
        container.ask({"script": "x"}, 10)


def test_container_that_writes_without_end_is_lost(
    fake: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobump.evidence.container._MOST_ANSWER", 10_000)
    fake.tell(does={IMAGE: {"x": {"outcome": "raised", "message": "y" * 100_000}}})
    with (
        start(engine) as container,
        pytest.raises(ContainerLostError, match=r"^wrote more than 10,000 bytes$"),
    ):
        container.ask({"script": "x"}, 10)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('exec: "python": executable file not found in $PATH', "the image has no python in its PATH"),
        ("{python: exec format error}", "the image is made for another architecture than this machine's"),
        ("crun: something\nelse", "else"),
    ],
)
def test_container_that_does_not_start_says_why(
    fake: FakeEngine, engine: Engine, said: str, told: str
) -> None:
    fake.tell(starts={IMAGE: said})
    with pytest.raises(EngineError) as caught:
        start(engine)
    assert str(caught.value) == f"docker cannot start {IMAGE}: {told}"


def test_container_that_ends_without_a_word_says_so(fake: FakeEngine, engine: Engine) -> None:
    (fake.folder / "docker").write_text("#!/bin/sh\n")
    with pytest.raises(EngineError, match=f"^{IMAGE} ended (without an answer|before it was asked)$"):
        start(engine)


@pytest.mark.parametrize(
    "hello",
    [
        {"type": "ready"},
        {"type": "ready", "python": 3, "implementation": "CPython"},
        {"type": "ready", "python": ["three"], "implementation": "CPython"},
    ],
)
def test_python_that_is_none_says_so(fake: FakeEngine, engine: Engine, hello: dict[str, object]) -> None:
    fake.tell(hello=hello)
    with pytest.raises(EngineError, match=f"^the python of {IMAGE} is not one that autobump knows$"):
        start(engine)


def test_image_needs_no_shell() -> None:
    command = Engine("docker").run_command(IMAGE, "name", "code", Bounds())
    assert command[command.index("--entrypoint") + 1] == "python"
    assert not {"sh", "/bin/sh", "bash"} & set(command)
