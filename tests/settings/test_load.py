import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.content.tree import ContentTree
from autobump.settings.load import load_settings, parse_settings
from autobump.settings.model import Settings
from autobump.support.errors import SettingsError, UsageError
from tests.fixtures.repositories import make_repository, script_pack

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "autobump.yml"
IMAGE = "demisto/python3:3.9.8.24399"


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text.encode(), "s.yml")
    return [str(fault) for fault in caught.value.faults]


def test_commented_sample_says_the_defaults() -> None:
    assert parse_settings(SAMPLE.read_bytes(), str(SAMPLE)) == Settings()


def test_commented_sample_names_every_key() -> None:
    import re

    text = SAMPLE.read_text()
    for section, field in Settings.model_fields.items():
        assert re.search(rf"^{section}:", text, re.MULTILINE)
        assert field.annotation is not None
        for key in getattr(field.annotation, "model_fields", ()):
            assert re.search(rf"^  {key}:", text, re.MULTILINE), f"{section}.{key}"


def test_empty_file_means_the_defaults() -> None:
    assert parse_settings(b"", "s.yml") == Settings()
    assert parse_settings(b"# nothing yet\n", "s.yml") == Settings()


def test_values_are_read() -> None:
    text = "registry: {min_age: 3 days, namespaces: [demisto, devdemisto]}\npull_requests:\n  max_items: 7\n"
    settings = parse_settings(text.encode(), "s.yml")
    assert settings.registry.min_age == timedelta(days=3)
    assert settings.registries.namespaces == ("demisto", "devdemisto")
    assert settings.limits.max_items == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "policy:\n  exclude_pack: [A]\n",
            's.yml:2:3: policy.exclude_pack: unknown key; did you mean "exclude_packs"?',
        ),
        ("max_items: 5\n", "s.yml:1:1: max_items: unknown key here; did you mean pull_requests.max_items?"),
        (
            "policy:\n  max_open: 5\n",
            "s.yml:2:3: policy.max_open: unknown key here; did you mean pull_requests.max_open?",
        ),
        (
            "support: [xsoar]\n",
            "s.yml:1:1: support: unknown key here; did you mean policy.support?",
        ),
        ("polcy: {}\n", 's.yml:1:1: polcy: unknown key; did you mean "policy"?'),
        (
            "x: 1\n",
            "s.yml:1:1: x: unknown key; known keys: content, registry, policy, rollout, pull_requests",
        ),
        (
            "policy:\n  auto_update: sometimes\n",
            "s.yml:2:3: policy.auto_update: \"sometimes\" is not 'opt-out' or 'python-only'",
        ),
        (
            "pull_requests: {max_items: 0}\n",
            "s.yml:1:17: pull_requests.max_items: 0: input should be greater than",
        ),
        (
            "pull_requests: {max_items: many}\n",
            's.yml:1:17: pull_requests.max_items: "many": input should be a valid',
        ),
        (
            "pull_requests: {max_items: true}\n",
            "s.yml:1:17: pull_requests.max_items: true: input should be a valid",
        ),
        ("policy: {support: [gold]}\n", 's.yml:1:20: policy.support.0: "gold" is not'),
        ("policy: {support: xsoar}\n", 's.yml:1:10: policy.support: "xsoar" must be a list'),
        ("policy: []\n", "s.yml:1:1: policy: [] must be a mapping of keys"),
        ("- a\n", "s.yml:1:1: the file must be a mapping of keys"),
        ("registry: {min_age: 3}\n", "s.yml:1:12: registry.min_age: 3 must be a number and a unit"),
        (
            "registry: {min_age: 3 fortnights}\n",
            's.yml:1:12: registry.min_age: "3 fortnights" must be a number',
        ),
        ("a: [\n", "s.yml:1:4: a bracket that opens in line 1 is never closed"),
        ("a: &a [*a]\n", "s.yml:1:4: nested too deep or too large"),
        ("a: " + "[" * 200 + "]" * 200, "s.yml:1:104: nested too deep or too large"),
        ("a: " + "9" * 5000, "s.yml:1:4: " + "9" * 60 + " is no int"),
        ('a: "\\ud800"\n', "s.yml:1:4: an escape stands for half of a character"),
        ("%YAML 1.4\n---\na: 1\n", "s.yml:1:1: the parser gives up: "),
        ("policy: {}\npolicy: {}\n", "s.yml:2:1: "),
        ("pull_requests: {branch_prefix: '../x/'}\n", "s.yml:1:17: pull_requests.branch_prefix: "),
        (
            "schedule:\n  cron: 61 3 * * *\n",
            "s.yml:2:3: schedule.cron: \"61 3 * * *\" has the minute '61', which cron does not know",
        ),
        ("schedule: {cron: daily}\n", 's.yml:1:12: schedule.cron: "daily" must have five fields'),
        ("schedule: {cron: 5}\n", "s.yml:1:12: schedule.cron: 5 must be text; put it in quotes"),
        (
            "schedule: {timezone: Europe/Berln}\n",
            's.yml:1:12: schedule.timezone: "Europe/Berln" is no time zone such as Europe/Berlin; did you',
        ),
        ("schedule: {timezone: Europe}\n", 's.yml:1:12: schedule.timezone: "Europe" is no time zone'),
        ("schedule: {timezone: ../UTC}\n", 's.yml:1:12: schedule.timezone: "../UTC" is no time zone'),
        ("schedule: {timezone: ''}\n", 's.yml:1:12: schedule.timezone: "" is no time zone'),
        ("schedule: {listen: localhost}\n", 's.yml:1:12: schedule.listen: "localhost" must be an address'),
        ("schedule: {listen: '[::1]:99999'}\n", 's.yml:1:12: schedule.listen: "[::1]:99999" must be'),
    ],
)
def test_each_mistake_is_told_with_its_place_and_the_way_out(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(expected)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("null", None),
        ("''", None),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104 - nothing is bound here
        ("'[::1]:9464'", ("::1", 9464)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_address_to_listen_on_is_read(listen: str, address: tuple[str, int] | None) -> None:
    settings = parse_settings(f"schedule: {{listen: {listen}}}".encode(), "s.yml")
    assert settings.schedule.address == address


def test_schedule_is_checked_without_the_scheduler() -> None:
    text = "schedule: {cron: '*/5 * * * * *', timezone: Europe/Berlin}"
    code = "import sys\nfrom autobump.settings.load import parse_settings\n"
    code += f"parse_settings({text.encode()!r}, 's')\n"
    code += "sys.exit('apscheduler' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_defaults_are_loaded_without_the_parser() -> None:
    code = "import sys\nfrom autobump.settings.load import load_settings\nload_settings(None, None)\n"
    code += "sys.exit('ruamel.yaml' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(faults("policy: {a: 1}\nregistry: {b: 2}\npull_requests: {max_items: 0}\n")) == 3


def test_file_named_on_the_command_line_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, from_environment = tmp_path / "a.yml", tmp_path / "b.yml"
    named.write_text("pull_requests: {max_items: 1}")
    from_environment.write_text("pull_requests: {max_items: 2}")
    repository = make_repository(
        tmp_path / "r",
        script_pack("A", {"S": IMAGE}) | {".github/autobump.yml": "pull_requests: {max_items: 3}"},
    )
    tree = ContentTree.open(repository.directory)
    monkeypatch.setenv("AUTOBUMP_CONFIG", str(from_environment))
    assert load_settings(named, tree).settings.limits.max_items == 1
    assert load_settings(None, tree).settings.limits.max_items == 2
    monkeypatch.delenv("AUTOBUMP_CONFIG")
    assert load_settings(None, tree).settings.limits.max_items == 3
    assert load_settings(None, None).settings == Settings()


MINE = "pull_requests: {max_items: 3}\n"


@pytest.mark.parametrize(
    ("committed", "lying", "told"),
    [
        (None, MINE, True),
        ("pull_requests: {max_items: 4}\n", MINE, True),
        (MINE, MINE, False),
        (MINE, MINE.replace("\n", "\r\n"), False),
        (MINE, None, False),
        (None, None, False),
    ],
)
def test_file_that_is_not_committed_is_told_and_does_not_count(
    tmp_path: Path, committed: str | None, lying: str | None, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {**script_pack("A", {"S": IMAGE})}
    if committed:
        files[".github/autobump.yml"] = committed
    git = make_repository(tmp_path / "r", files, bare=False)
    file = git.directory / ".github/autobump.yml"
    if lying:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(lying.encode())
    elif committed:
        file.unlink()
    (tmp_path / "tags.json").write_text('{"demisto/python3": []}')
    for command, *options in (
        ["config", "check"],
        ["plan", "--tags", f"file:{tmp_path / 'tags.json'}", "--output", str(tmp_path / "out")],
    ):
        for repository in (git.directory, git.directory / "Packs" / "A"):
            assert run_command([command, *options, "--repo", str(repository)]) == 0
            out, err = capsys.readouterr()
            err = "\n".join(line for line in err.splitlines() if "the whole repository is read" not in line)
            assert bool(err) == told
            assert "\n" not in err
            assert ("in the work tree does not count before it is committed (file=.github/au" in err) == told
            place = ".github/autobump.yml in the work tree" if told else ""
            assert f"{place}: settings are valid" in out or command == "plan"


def test_file_in_the_work_tree_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**script_pack("A", {"S": IMAGE}), ".github/autobump.yml": MINE}
    git = make_repository(tmp_path / "r", files, bare=False)
    (git.directory / ".github/autobump.yml").write_text("#" * (1024 * 1024 + 1))
    (tmp_path / "tags.json").write_text('{"demisto/python3": []}')
    repo = ["--repo", str(git.directory)]
    assert run_command(["plan", "--tags", f"file:{tmp_path / 'tags.json'}", *repo]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "the settings file in the work tree does not count" in told
    assert "autobump.yml is no settings file: larger than 1 MiB" in told
    assert run_command(["config", "check", *repo]) == 2
    assert "autobump.yml is no settings file: larger than 1 MiB" in " ".join(capsys.readouterr().err.split())


def test_config_check_reads_the_file_that_is_being_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**script_pack("A", {"S": IMAGE}), ".github/autobump.yml": MINE}
    git = make_repository(tmp_path / "r", files, bare=False)
    command = ["config", "check", "--repo", str(git.directory)]
    file = git.directory / ".github/autobump.yml"
    file.write_text("pull_request: {max_items: 3}\n")
    assert run_command(command) == 2
    assert 'autobump.yml in the work tree:1:1: pull_request: unknown key; did you mean "pull_requests"' in (
        " ".join(capsys.readouterr().err.split())
    )
    file.write_text("registry: {cache: /srv/cache}\n")
    assert run_command(command) == 2
    assert "a commit cannot choose a folder here" in capsys.readouterr().err
    # What is edited mends what is committed.
    make_repository(git.directory, {".github/autobump.yml": "a: 1\n"}, bare=False)
    file.write_text(MINE)
    assert run_command(command) == 0


@pytest.mark.parametrize("bare", [True, False])
def test_file_around_a_repository_is_not_in_its_work_tree(
    tmp_path: Path, bare: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/autobump.yml").write_text(MINE)
    git = make_repository(tmp_path / "r", script_pack("A", {"S": IMAGE}), bare=bare)
    assert run_command(["config", "check", "--repo", str(git.directory)]) == 0
    assert capsys.readouterr().err == ""


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_settings(tmp_path / "none.yml", None)


@pytest.mark.parametrize("refused", ["/etc", "~/.ssh", "."])
def test_commit_cannot_choose_a_folder_to_write_to(tmp_path: Path, refused: str) -> None:
    text = f"registry:\n  cache: {refused}\n"
    git = make_repository(tmp_path / "r", script_pack("A", {"S": IMAGE}) | {".github/autobump.yml": text})
    tree = ContentTree.open(git.directory)
    with pytest.raises(SettingsError) as caught:
        load_settings(None, tree)
    (fault,) = caught.value.faults
    assert str(fault).startswith(".github/autobump.yml:2:3: registry.cache: a commit cannot choose a folder")
    file = tmp_path / "mine.yml"
    file.write_text(text)
    assert load_settings(file, tree).settings.registry.cache == refused


@pytest.mark.parametrize("refused", ["[--privileged]", "['--volume=/:/host']", "--privileged"])
def test_commit_cannot_give_the_container_engine_arguments(tmp_path: Path, refused: str) -> None:
    text = f"verify:\n  arguments: {refused}\n"
    git = make_repository(tmp_path / "r", script_pack("A", {"S": IMAGE}) | {".github/autobump.yml": text})
    with pytest.raises(SettingsError) as caught:
        load_settings(None, ContentTree.open(git.directory))
    (fault,) = caught.value.faults
    assert str(fault) == (
        ".github/autobump.yml:2:3: verify.arguments: a commit cannot give the container engine arguments "
        "here; use --config, --set or AUTOBUMP__VERIFY__ARGUMENTS"
    )


def test_whoever_runs_autobump_may_give_the_container_engine_arguments(tmp_path: Path) -> None:
    text = "verify: {engine: docker, arguments: []}\n"
    git = make_repository(tmp_path / "r", script_pack("A", {"S": IMAGE}) | {".github/autobump.yml": text})
    tree = ContentTree.open(git.directory)
    own = load_settings(None, tree, ["verify.arguments=[--runtime=runsc]"]).settings
    assert own.verify.arguments == ("--runtime=runsc",)


def test_commit_may_name_the_folder_that_is_used_anyway(tmp_path: Path) -> None:
    sample = {".github/autobump.yml": SAMPLE.read_text()}
    git = make_repository(tmp_path / "r", script_pack("A", {"S": IMAGE}) | sample)
    assert load_settings(None, ContentTree.open(git.directory)).settings == Settings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "policy:\n  support: [xsoar\ncontent:\n  base: main\n",
            "2:12: a bracket that opens in line 2 is never closed",
        ),
        ("policy:\n  support: [\n", "2:12: a bracket that opens in line 2 is never closed"),
        ("policy:\n  support: [[a], {b: [c}]\n", "2:22: a bracket that opens in line 2 is never closed"),
        ("a: 1\ncontent: {base: main\n# the end\n", "2:10: a brace that opens in line 2 is never closed"),
        (
            "repositories:\n- {repository: a/b, policy: {support: [x]}\n",
            "2:3: a brace that opens in line 2 is never",
        ),
        (
            "content:\n  base: 'main\npolicy: {}\n",
            "2:9: a quotation mark that opens in line 2 is never closed",
        ),
        ('content: {base: "main}\n', "1:17: a quotation mark that opens in line 1 is never closed"),
        ("policy: {support: ['a' 'b']}\n", "1:24: a comma is missing in the list, which begins in line 1"),
        (
            "content:\n  base: a\n root: b\n",
            "3:2: the indentation fits no line above, in the mapping that begins",
        ),
        ("- a\ncontent: 1\n", "2:1: the indentation fits no line above, in the list that begins in line 1"),
        ("content: base: main\n", "1:14: a colon cannot stand here"),
        ("content:\n  base: main\n  root\n", "4:1: a key without its colon; write key: value"),
        ("content:\n\tbase: main\n", "2:1: a tab cannot indent; use spaces"),
        ("content: {base: @main}\n", "1:17: a text cannot begin with @; put it in quotes"),
        (
            "content: {base: *main}\n",
            "1:17: a text that begins with * or & names another place; put it in quotes",
        ),
        ("policy: {exclude_packs: [*]}\n", "1:27: a text that begins with * or & names another place"),
        ("content: ]\n", "1:10: ] closes what was never opened"),
        ("content: {}\n---\npolicy: {}\n", "2:1: a second document begins; a settings file is one"),
    ],
)
def test_damaged_file_says_what_is_open_and_where_it_began(text: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text.encode(), "s.yml")
    (line,) = caught.value.lines
    assert line.startswith(f"s.yml:{expected}")
