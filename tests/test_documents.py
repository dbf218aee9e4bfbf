"""What the documents say is there, is there."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import click
import pytest

import autobump
from autobump.cli import cli, run_command
from autobump.decisions.eligibility import SkipReason
from autobump.decisions.evidence import Verdict
from autobump.demo import run_demo
from autobump.images.choice import NoUpdateReason
from autobump.planning.plan import WaitReason
from autobump.pull_requests.actions import Action
from autobump.pull_requests.labels import (
    CLOSED_LABEL,
    DASHBOARD_LABEL,
    HOLD_LABEL,
    OVERWRITTEN_LABEL,
    REBUILD_LABEL,
    RISK_LABELS,
    SECURITY_LABEL,
    UNKNOWN_LABEL,
)
from autobump.service.health import PassEnd
from autobump.service.metrics import Metrics
from autobump.settings.load import parse_settings
from autobump.settings.model import Settings
from autobump.settings.schema import render_schema
from autobump.settings.variables import SECRETS
from autobump.support.errors import ExitCode
from tests.evidence.test_in_engine import CASES
from tests.fixtures.documents import PAGES, ROOT, Page, read_page
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.workflows import ACTION, read_yaml

README = (ROOT / "README.md").read_text()
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text()
DOCUMENTS = ("docs/what-happens-when.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md")
MANUAL = tuple(page for page in PAGES if page != "CHANGELOG.md")
"""Pages that speak of today; the changelog also names what was there before."""

LONGEST_README = 180
_SECTIONS = "|".join(Settings.model_fields)
_SETTING = re.compile(rf"(?:{_SECTIONS})(?:\.[a-z_]+)+")
_VARIABLE = re.compile(r"AUTOBUMP__[A-Z_]+")


def named_tests(document: str) -> set[str]:
    """Return every path below `tests` that a document names."""
    return set(re.findall(r"(?<![\w/])tests(?:/[\w.-]+)+", (ROOT / document).read_text()))


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that words call, and the words behind its name."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def parse_command_line(arguments: list[str], command: click.Command = cli) -> None:
    """Let click parse a command line; nothing is run.

    Raises:
        click.ClickException: There is no such command or option, or a value cannot be.
    """
    context = command.make_context(command.name, list(arguments))
    if isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(list(arguments))
        _, inner, others = command.resolve_command(context, rest)
        assert inner is not None
        parse_command_line(others, inner)


def options_of(command: click.Command) -> set[str]:
    """Return every option of a command and of those inside it."""
    own = {option for parameter in command.params for option in parameter.opts}
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union({"--help"}, *map(options_of, inner))


def command_lines(page: Page) -> Iterator[list[str]]:
    """Yield the words of every line of a page's code blocks that calls autobump."""
    for block in page.blocks("", "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.lstrip().startswith("autobump "):
                yield shlex.split(line, comments=True)


def is_setting(path: str) -> bool:
    """Whether the settings have a key, such as `policy.risk.breaking` or `policy.holds.reason`."""
    section: Mapping[str, Any] = json.loads(render_schema())
    for part in path.split("."):
        keys = section.get("properties") or section.get("items", {}).get("properties", {})
        if part not in keys:
            return False
        section = keys[part]
    return True


def problem_reasons() -> set[str]:
    """Return every reason that the code gives a problem: the third word of one, the first of a YAML fault."""
    trees = [ast.parse(path.read_text()) for path in Path(autobump.__file__).parent.rglob("*.py")]
    constants = {
        node.targets[0].id: node.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    places = {"Problem": 2, "Fault": 0, "YamlFault": 0, "SyntaxFault": 0}
    found = set()
    for node in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)):
        place = places.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if place is not None and place < len(node.args):
            reason = node.args[place]
            reason = constants.get(reason.id, reason) if isinstance(reason, ast.Name) else reason
            if isinstance(reason, ast.Constant):
                found.add(str(reason.value))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_between_the_pages_leads_somewhere(page: str) -> None:
    for link in read_page(page).links:
        address = urlsplit(link)
        if address.scheme:
            continue
        target = (ROOT / page).parent / unquote(address.path) if address.path else ROOT / page
        assert target.exists(), link
        if address.fragment:
            there = read_page(target.resolve().relative_to(ROOT).as_posix())
            assert unquote(address.fragment) in there.anchors, link


def test_readme_is_read_in_three_minutes() -> None:
    assert len(README.splitlines()) <= LONGEST_README


def test_readme_names_the_commands_of_a_first_look() -> None:
    assert "    make demo\n" in README
    assert "`make test`" in README


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_index_links_to_every_page(index: str) -> None:
    folder = (ROOT / index).parent
    linked = {(folder / link.partition("#")[0]).resolve() for link in read_page(index).links}
    pages = {ROOT / page for page in PAGES if page.startswith("docs/") and page != "docs/README.md"}
    assert pages - linked == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_page_begins_with_an_answer_in_one_sentence(page: str) -> None:
    title, _, _, answer, *_ = (token for token in read_page(page).tokens if token.type != "paragraph_open")
    assert title.tag == "h1"
    assert answer.content.endswith(".")
    assert re.findall(r"[.!?]\s+[A-Z]", answer.content) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    named = named_tests(document)
    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("document", [page for page in PAGES if page not in DOCUMENTS])
def test_every_test_that_another_page_names_is_there(document: str) -> None:
    assert sorted(path for path in named_tests(document) if not (ROOT / path).exists()) == []


@pytest.mark.parametrize(
    ("document", "heading"),
    [
        ("docs/what-happens-when.md", "Content"),
        ("docs/what-happens-when.md", "Registries and image pages"),
        ("docs/what-happens-when.md", "GitHub"),
        ("docs/what-happens-when.md", "The machine"),
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


@pytest.mark.parametrize("page", MANUAL)
def test_every_command_line_of_a_page_parses(page: str) -> None:
    for program, *arguments in command_lines(read_page(page)):
        assert program == "autobump"
        try:
            parse_command_line(arguments)
        except click.ClickException as exc:
            pytest.fail(f"{shlex.join(arguments)}: {exc.format_message()}")


def test_pages_show_every_command_on_a_line_of_its_own() -> None:
    shown = {arguments[1] for page in MANUAL for arguments in command_lines(read_page(page))}
    assert cli.commands.keys() - shown == {"demo"}  # `make demo` calls it


@pytest.mark.parametrize("page", MANUAL)
def test_every_command_and_option_in_a_sentence_is_there(page: str) -> None:
    for code in read_page(page).code:
        if code.startswith("autobump "):
            command, words = find_command(code.split()[1:])
            assert command is not cli, code
            assert not isinstance(command, click.Group) or not words, code
        elif code.startswith("--"):
            command, words = cli, code.split()[:1]
        else:
            continue
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options - options_of(command) == set(), code


@pytest.mark.parametrize("page", MANUAL)
def test_every_setting_that_a_page_names_is_there(page: str) -> None:
    read = read_page(page)
    code = [*read.code, *read.blocks("", "sh")]
    named = {found for part in read.code if (match := _SETTING.match(part)) and (found := match[0])}
    named |= {found for part in code for found in re.findall(rf"--set ({_SETTING.pattern})", part)}
    named |= {
        found.removeprefix("AUTOBUMP__").lower().replace("__", ".")
        for part in code
        for found in _VARIABLE.findall(part)
        if found != "AUTOBUMP__SECTION__KEY"
    }
    files = {name for name in named if name.endswith((".py", ".yml"))}
    assert sorted(name for name in named - files if not is_setting(name)) == []


@pytest.mark.parametrize("page", MANUAL)
def test_settings_that_a_page_shows_can_be_used(page: str) -> None:
    for block in read_page(page).blocks("yaml"):
        if re.match(rf"(?:{_SECTIONS}):", block):
            parse_settings(block.encode(), page)


def test_reasons_are_those_of_the_code_in_their_order() -> None:
    page = read_page("docs/reasons.md")
    assert page.names("Skipped before the registry is asked") == list(SkipReason)
    assert page.names("Skipped once the tags are known") == list(NoUpdateReason)
    assert sorted(page.names("Waiting")) == sorted(WaitReason)
    assert sorted(page.names("Problems")) == sorted(problem_reasons())


def test_actions_on_pull_requests_are_those_of_the_code() -> None:
    named = read_page("docs/pull-requests.md").names("Pull requests")
    assert sorted(named) == sorted(action.name for action in get_args(Action))


def test_labels_are_those_of_the_code() -> None:
    known = {
        *RISK_LABELS.values(),
        SECURITY_LABEL,
        UNKNOWN_LABEL,
        HOLD_LABEL,
        REBUILD_LABEL,
        CLOSED_LABEL,
        DASHBOARD_LABEL,
        OVERWRITTEN_LABEL,
    }
    assert set(read_page("docs/pull-requests.md").names("Labels")) == known | {"pull_requests.labels"}


def test_exit_codes_are_those_of_the_code() -> None:
    assert [int(row[0]) for row in read_page("docs/command-line.md").rows("Exit codes")] == list(ExitCode)


def test_commands_are_those_of_the_program() -> None:
    named = [name.partition(" ")[2] for name in read_page("docs/command-line.md").names("Commands")]
    assert sorted(named) == sorted(cli.commands)


def test_inputs_and_outputs_are_those_of_the_action() -> None:
    page, action = read_page("docs/actions.md"), read_yaml(ACTION)
    assert sorted(page.names("Inputs")) == sorted(action["inputs"])
    assert sorted(page.names("Outputs")) == sorted(action["outputs"])


def test_verdicts_that_the_page_of_risk_counts_are_those_of_the_items_that_are_run() -> None:
    text = (ROOT / "docs" / "risk.md").read_text()
    counted = Counter(case.verdict for case in CASES.values())
    names = "| " + " | ".join(f"`{verdict}`" for verdict in Verdict) + " |"
    numbers = "| " + " | ".join(str(counted[verdict]) for verdict in Verdict) + " |"
    assert re.search(rf"\n{re.escape(names)}\n[| -]+\n{re.escape(numbers)}\n", text)
    assert f"The {len(CASES)} items of `tests/evidence/test_in_engine.py`" in text


def test_secrets_are_those_that_are_read() -> None:
    assert sorted(read_page("docs/how-settings-are-found.md").names("Secrets")) == sorted(SECRETS)


def test_metrics_are_those_that_are_served() -> None:
    served = re.findall(r"^# TYPE (autobump_\w+)", Metrics().render().decode(), re.MULTILINE)
    page = read_page("docs/service.md")
    assert sorted(page.names("Health and metrics")) == sorted(served)
    (ends,) = (row[1] for row in page.rows("Health and metrics") if "passes_total" in row[0])
    assert re.findall(r"`(\w+)`", ends) == list(PassEnd)


def test_keys_of_the_json_are_those_that_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = tmp_path / "tags.json"
    tags.write_text(json.dumps({"demisto/x": ["1.0.0.1", "1.0.0.2"]}))
    packs = script_pack("A", {"S": "demisto/x:1.0.0.1", "T": "demisto/x:latest"})
    packs |= {
        "Packs/A/Scripts/bad.yml": "a: [",
        "Packs/A/Scripts/odd.yml": "script: {autoUpdateDockerImage: false}",
    }
    make_repository(tmp_path / "r", packs)
    options = ["--repo", str(tmp_path / "r"), "--tags", f"file:{tags}", "--format", "json", "--dry-run"]
    assert run_command(["run", *options]) == 0
    written = json.loads(capsys.readouterr().out)
    page = read_page("docs/command-line.md")
    assert sorted(page.names("JSON")) == sorted(written)
    for name, what in ((row[0].strip("`"), row[1]) for row in page.rows("JSON")):
        for element in written.get(name, ()) if isinstance(written.get(name), list) else ():
            assert re.findall(r"`(\w+)`", what) == list(element), name


def test_commands_on_the_sample_work_as_they_are_written(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"^    cp -R autobump/demo/content .*?(?=^\S)", COMMAND_LINE, re.MULTILINE | re.DOTALL
    )
    assert block.count("\n    autobump ") == 6
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


def test_line_for_completion_makes_the_shell_complete(tmp_path: Path) -> None:
    (line,) = re.findall(r"^    (eval .*_AUTOBUMP_COMPLETE=.*)$", COMMAND_LINE, re.MULTILINE)
    program = tmp_path / "autobump"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m autobump "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    asked = 'COMP_WORDS=(autobump ex) COMP_CWORD=1; _autobump_completion autobump; echo "${COMPREPLY[@]}"'

    def run(*command: str, **more: str) -> str:
        done = subprocess.run(
            command, env=environment | more, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert done.stderr == ""
        return done.stdout

    assert run("bash", "-c", f"{line}\ncomplete -p autobump\n{asked}").endswith(" autobump\nexplain\n")
    for shell, defined in (("zsh_source", "#compdef autobump"), ("fish_source", "complete ")):
        assert shell in COMMAND_LINE
        assert defined in run("autobump", _AUTOBUMP_COMPLETE=shell)


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


def test_every_file_that_the_architecture_names_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:\w+/)*\w+\.py|(?:\w+/)+)`", page))
    package = ROOT / "autobump"
    files = {path.name for path in package.rglob("*.py")}
    folders = {path.name for path in package.rglob("*/")}
    missing = [
        name
        for name in sorted(named)
        if not (ROOT / name).exists()
        and not (package / name).exists()
        and name not in files
        and name.rstrip("/") not in folders
    ]
    assert len(named) > 50
    assert missing == []
