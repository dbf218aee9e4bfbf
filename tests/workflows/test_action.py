"""The shell steps of the action, run in their order, as a runner runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from autobump.evidence.store import runner_version
from tests.fixtures.emulator import APP_ID, APP_KEY, APP_SLUG, REPOSITORY, TOKEN, Emulator, run_emulator
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.servers import Reply, serve
from tests.fixtures.warm import warm_process
from tests.fixtures.workflows import ACTION, ROOT, WORKFLOWS, Ended, Runner, evaluate, find_steps

OLD, NEW = "1.0.0.1", "1.0.0.2"
PROGRAM = "autobump/venv/bin/autobump"
"""Where the action installs it, below the folder for temporary files."""
PACKS = {
    **script_pack("A", {"One": f"demisto/x:{OLD}", "Two": f"demisto/x:{OLD}"}),
    **script_pack("B", {"Three": f"demisto/x:{OLD}"}),
    **script_pack("C", {"Four": f"demisto/y:{OLD}"}),
}
(BUMP,) = (path for path in WORKFLOWS if path.name == "autobump.yml")


class Job:
    """A job of a workflow on a runner, with the content repository checked out."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        tags = folder / "tags.json"
        tags.write_text(json.dumps({f"demisto/{name}": [OLD, NEW] for name in "xy"}))
        settings = f"pull_requests: {{write_pause: 0 seconds}}\nregistry: {{source: 'file:{tags}'}}\n"
        self.files = {".github/autobump.yml": settings, **PACKS}
        make_repository(self.workspace, self.files, bare=False)
        self.runner = runner
        self.github: dict[str, Any] = {
            "api_url": "http://127.0.0.1:9",  # nobody listens there
            "repository": REPOSITORY,
            "run_attempt": 1,
            "run_id": 42,
            "token": TOKEN,
        }

    def run(self, **given: object) -> Ended:
        """Run the action with what a workflow gives it; `dry_run` is its input `dry-run`."""
        inputs = {name.replace("_", "-"): value for name, value in given.items()}
        return self.runner.run(ACTION, inputs, self.workspace, self.github)

    def start(
        self,
        event: str,
        inputs: Mapping[str, object],
        *,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run the job of the ready workflow: its checkout is done, and its last step is the action."""
        *before, last = find_steps(BUMP)
        assert [step["uses"].split("@")[0] for step in before] == ["actions/checkout"]
        assert ROOT / last["uses"] == ACTION.parent
        self.github["event_name"] = event
        contexts = {"inputs": inputs, "vars": variables or {}, "secrets": secrets or {}}
        given = {name: evaluate(text, contexts) for name, text in last["with"].items()}
        return self.runner.run(ACTION, given, self.workspace, self.github)

    def report(self) -> Any:
        """Return the JSON that the last pass left for the artifact."""
        return json.loads((self.runner.temp / "autobump/report/autobump.json").read_text())


OUTPUTS = {"python": {"python-path": sys.executable}, "cache": {"cache-primary-key": "the key"}}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("runner")
    with warm_process(folder / "warm", {}) as process, process.program(folder / PROGRAM):
        yield Runner(folder, OUTPUTS, installs=False)


@pytest.fixture
def job(tmp_path: Path, runner: Runner) -> Job:
    return Job(tmp_path, runner)


@pytest.fixture
def emulator(tmp_path: Path, job: Job) -> Iterator[Emulator]:
    with run_emulator(tmp_path) as running:
        running.push(job.files)
        running.writes()
        job.github["api_url"] = running.proxy.url
        yield running


def test_dry_run_writes_nothing_and_the_schedule_then_makes_the_pull_requests(
    job: Job, emulator: Emulator, tmp_path: Path
) -> None:
    job.runner = Runner(tmp_path, OUTPUTS)
    dry = job.start("workflow_dispatch", {"dry-run": True, "image": "", "pack": "", "tags": ""})
    assert any(tmp_path.glob("autobump/venv/lib/*/site-packages/autobump/__pycache__/*.pyc"))
    assert (dry.status, emulator.writes()) == (0, [])
    assert dry.outputs == {"bumps": "4", "pull-requests": "2", "problems": "0"}
    assert [pr["action"] for pr in job.report()["pull_requests"]] == ["create", "create"]

    real = job.start("schedule", {})
    assert real.status == 0, real.output
    assert real.outputs == {"bumps": "4", "pull-requests": "2", "problems": "0"}
    titles = {pull["title"] for pull in emulator.repo("GET", "/pulls?state=open")}
    assert titles == {f"Update demisto/x to {NEW} (2 packs)", f"Update demisto/y to {NEW} (1 pack)"}
    assert all(title in real.summary for title in titles)

    emulator.writes()
    again = job.start("schedule", {})
    assert (again.status, emulator.writes()) == (0, [])
    assert again.outputs == real.outputs


def test_cache_and_report_are_found_where_autobump_puts_them(
    job: Job, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = job.folder / "home"
    monkeypatch.setenv("HOME", str(home))
    used = job.run(dry_run="true").used
    restored, saved = used["Restore what earlier passes remember"], used["Remember what this pass learned"]
    assert restored["path"] == saved["path"] == "~/.cache/autobump"
    assert any((home / ".cache/autobump").iterdir())
    assert restored["key"] == "autobump-Linux-42-1"
    assert restored["key"].startswith(restored["restore-keys"])
    assert saved["key"] == "the key"
    report = Path(used["Keep the report"]["path"])
    assert {path.name for path in report.iterdir()} == {"autobump.html", "autobump.json", "autobump.txt"}


def test_filters_take_several_names_by_spaces_and_lines(job: Job, emulator: Emulator) -> None:
    ended = job.run(images=" demisto/x \n", packs="A\r\n  B\n\n", dry_run="true")
    assert ended.status == 0, ended.output
    (pull_request,) = job.report()["pull_requests"]
    assert pull_request["packs"] == ["A", "B"]


def test_settings_tags_folder_and_commit_can_be_named(job: Job, emulator: Emulator) -> None:
    settings, tags = job.folder / "other.yml", job.folder / "other.json"
    settings.write_text("policy: {exclude_packs: [A, B]}")
    tags.write_text(json.dumps({"demisto/y": [OLD, "1.0.0.9"]}))
    ended = job.run(
        config=settings, tags=f"file:{tags}", repo=job.workspace, rev="HEAD~0", dry_run="true", token=TOKEN
    )
    assert ended.status == 0, ended.output
    assert [pr["target"] for pr in job.report()["pull_requests"]] == ["1.0.0.9"]


def test_github_app_of_the_workflow_acts_in_its_own_name(job: Job, emulator: Emulator) -> None:
    variables, secrets = {"AUTOBUMP_APP_ID": str(APP_ID)}, {"AUTOBUMP_APP_PRIVATE_KEY": APP_KEY}
    ended = job.start("schedule", {}, variables=variables, secrets=secrets)
    assert ended.status == 0, ended.output
    pulls = emulator.repo("GET", "/pulls?state=open")
    assert {pull["user"]["login"] for pull in pulls} == {f"{APP_SLUG}[bot]"}


DOCKER = """\
#!/bin/sh
echo "Cannot connect to the Docker daemon" >&2
exit 1
"""


def test_items_are_run_with_docker_when_that_is_asked_for(
    job: Job, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = job.folder / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    code = {f"Packs/{path}.py": "import os\n" for path in ("A/Scripts/One/One", "C/Scripts/Four/Four")}
    make_repository(job.folder / "with code", job.files | code, bare=False)
    ended = job.run(
        verify="load", repo=job.folder / "with code", images="demisto/x demisto/y", dry_run="true"
    )
    assert ended.status == 0, ended.output
    told = {bump["name"]: bump["evidence"]["detail"] for bump in job.report()["bumps"]}
    assert told["One"] == told["Four"]
    assert told["One"].startswith("docker cannot be used: it does not run")


@pytest.mark.parametrize(
    ("word", "settings"),
    [
        ("load", ["--set=verify.engine=docker", "--set=verify.level=load"]),
        ("true", ["--set=verify.engine=docker", "--set=verify.level=load"]),
        ("tests", ["--set=verify.engine=docker", "--set=verify.level=tests"]),
        ("false", []),
        ("", []),
    ],
)
def test_level_is_what_the_input_says(tmp_path: Path, word: str, settings: list[str]) -> None:
    program = tmp_path / PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    (last,) = (step for step in find_steps(ACTION) if step["name"] == "Run autobump")
    given = dict.fromkeys(last["env"], "") | {"VERIFY": word, "RUNNER_TEMP": str(tmp_path)}
    command = ["bash", str(ACTION.parent / "run.sh")]
    ended = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True)
    assert [line for line in ended.stdout.splitlines() if line.startswith("--set=")] == settings


def test_nothing_is_run_when_it_is_not_asked_for(job: Job, emulator: Emulator) -> None:
    ended = job.run(dry_run="true")
    assert ended.status == 0, ended.output
    assert [bump["evidence"] for bump in job.report()["bumps"]] == [None] * 4


def test_evidence_comes_from_several_files_with_spaces_in_their_names(job: Job, emulator: Emulator) -> None:
    ended = job.run(evidence=" no such file.json \r\n\n", dry_run="true")
    assert (ended.status, ended.output.count("\n")) == (2, 1)
    assert "cannot read no such file.json: " in ended.output
    for name in ("one of them.json", "two.json"):
        document = {"observations": {"runner": runner_version(), "observations": []}}
        (job.workspace / name).write_text(json.dumps(document))
    ended = job.run(evidence="one of them.json\ntwo.json\n", dry_run="true")
    assert ended.status == 0, ended.output
    ended = job.run(evidence="one of them.json\nthree.json", dry_run="true")
    assert "cannot read three.json: " in ended.output


def test_exit_code_of_autobump_decides_and_what_was_learned_is_kept(job: Job, emulator: Emulator) -> None:
    ended = job.run(**{"token": "wrong"})
    assert ended.status == 1
    assert "does not accept the token" in ended.output
    assert {"Remember what this pass learned", "Keep the report"} <= ended.used.keys()


def test_names_in_content_cannot_begin_a_command_to_the_runner(job: Job, emulator: Emulator) -> None:
    # Longer than a cell of the table, so that a line of it would begin in the middle of the name.
    job.files[f"Packs/A/Scripts/{'::add-mask::x ' * 15}/odd.yml"] = "a: [\n"
    make_repository(job.folder / "odd", job.files, bare=False)
    ended = job.run(repo=job.folder / "odd", dry_run="true")
    # Source: the runner takes a line for a command when it begins with :: after its leading space.
    commands = [line.split(" ")[0] for line in map(str.strip, ended.output.splitlines()) if line[:2] == "::"]
    assert commands == ["::warning"]


HOSTILE = (
    '";touch${IFS}pwned;"$(touch${IFS}pwned)`touch${IFS}pwned`',
    "a\nrm x\ntouch pwned\n",
    "--config=/etc/passwd",
    "*",
)
REFUSED = {
    "images": "no item has the image",
    "packs": "no item has the pack",
    "tags": "is no tag source",
    "config": "cannot read the settings in",
    "repo": "is not a folder",
    "rev": "has no commit called",
    "dry-run": "dry-run must be true or false",
    "verify": "verify must be false, true, load or tests",
    "evidence": "cannot read",
}
"""Inputs that a shell or the command line could take for something else, and what is said of a bad one."""


@pytest.fixture(scope="module")
def shared_job(tmp_path_factory: pytest.TempPathFactory, runner: Runner) -> Job:
    """Return a job for what is refused, and so leaves it as it was."""
    job = Job(tmp_path_factory.mktemp("job"), runner)
    (job.workspace / "x").write_text("still here")
    return job


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", REFUSED)
def test_hostile_input_stays_data(shared_job: Job, name: str, text: str) -> None:
    job = shared_job
    before = sorted(job.folder.rglob("*"))
    with serve(lambda _: Reply(500)) as github:
        job.github["api_url"] = github.url
        ended = job.run(**{name: text})
    assert github.requests == []
    assert ended.status == 2
    assert ended.output.startswith("autobump: ")
    assert REFUSED[name] in ended.output
    assert sorted(job.folder.rglob("*")) == before
    assert not (job.runner.temp / "pwned").exists()


def test_name_that_looks_like_an_option_is_a_name(shared_job: Job) -> None:
    ended = shared_job.run(images="--config=/etc/passwd")
    assert "no item has the image '--config=/etc/passwd'" in ended.output
