"""Writes the first settings and the workflow into a content repository."""

import re
import textwrap
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from autobump.images.spelling import OCI, split_spelling
from autobump.settings.load import REPOSITORY_PATH, load_settings, parse_settings
from autobump.settings.model import Settings
from autobump.settings.show import write_value
from autobump.support.errors import SettingsError, UsageError
from autobump.support.files import write_whole
from autobump.support.git import Git, GitError
from autobump.support.remote import find_other_forge, find_remote, guess_repository

WORKFLOW_PATH = ".github/workflows/autobump.yml"

Key = tuple[str, str]
"""Section and key of a setting."""

_TEMPLATE = Path(__file__).with_name("workflow.yml")
_ACTION = re.compile(r"([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)@([A-Za-z0-9_][A-Za-z0-9_./-]*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"(?=.*[0-9])[0-9a-f]{7,39}")
_PLACEHOLDERS = {"OWNER", "REPO", "REPOSITORY", "COMMIT", "REF"}

HOW_TO_PIN = "`git rev-parse HEAD` in the clone of autobump that you reviewed tells the commit"
_GITHUB = re.compile(r"https://github\.com/([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?")
_USUAL_CRON = "17 3 * * 1-5"
"""When a workflow runs: not at the full hour, when GitHub has most to do."""

CRON = ("schedule", "cron")
_USUAL_BASES = ("main", "master")
_HEADER = f"""\
# Settings of autobump. What is not here has its default; all of it is shown by
#
#     autobump config show
#
# Check this file with: autobump config check {REPOSITORY_PATH}
"""


class Question(Struct, frozen=True):
    """Something the files must say.

    Attributes:
        option: The option that answers it.
        key: The setting it is.
        text: What a person is asked.
        default: What counts without an answer; None when it cannot be told.
        note: What else is to be known, or empty.
    """

    option: str
    key: Key
    text: str
    default: str | None
    note: str = ""


class Files(Struct, frozen=True):
    """Paths below the top of the work tree: those that are written, and those that are there and stay."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def find_work_tree(folder: Path) -> Git:
    """Return git in the top folder of a work tree.

    Raises:
        UsageError: There is none.
    """
    try:
        return Git(Path(Git(folder).line("rev-parse", "--show-toplevel")))
    except GitError as exc:
        raise UsageError(f"{folder} is no work tree of a git repository: {exc}") from exc


def choose_files(root: Path, *, workflow: bool, force: bool) -> Files:
    """Say which files will be written: those that are missing, or with `force` all.

    Raises:
        UsageError: All of them are there.
    """
    wanted = (REPOSITORY_PATH, WORKFLOW_PATH) if workflow else (REPOSITORY_PATH,)
    there = tuple(path for path in wanted if (root / path).exists() or (root / path).is_symlink())
    if force:
        return Files(wanted, ())
    if there == wanted:
        verb = "is" if len(there) == 1 else "are"
        raise UsageError(f"{' and '.join(there)} {verb} there already; --force writes over")
    return Files(tuple(path for path in wanted if path not in there), there)


def ask_of(git: Git, files: Files) -> tuple[Question, ...]:
    """Return what is to be asked, with guesses from the repository as defaults.

    A settings file that stays is not asked for again: it tells what a workflow says of it.

    Raises:
        UsageError: The settings file that stays cannot be used.
    """
    stays = REPOSITORY_PATH in files.kept
    loaded = load_settings(git.directory / REPOSITORY_PATH, None) if stays else None
    settings = loaded.settings if loaded else Settings()
    cron_is_set = loaded is not None and CRON in loaded.origins
    forge = find_other_forge(git)
    note = f"its remote is on {forge}, which is not supported: autobump makes pull requests on GitHub"
    base = Question(
        "--base",
        ("content", "base"),
        "Branch that pull requests go to",
        settings.content.base if stays else _guess_base(git),
    )
    schedule = Question(
        "--schedule",
        CRON,
        "When: minute, hour, day, month, weekday, in UTC",
        _USUAL_CRON if WORKFLOW_PATH in files.written and not cron_is_set else settings.schedule.cron,
    )
    if stays:
        return base, schedule
    return (
        Question(
            "--repository",
            ("content", "repository"),
            "Repository on GitHub, as owner/name",
            guess_repository(git),
            note if forge else "",
        ),
        base,
        Question("--tags", ("registry", "source"), "Where tags come from", settings.registry.source),
        Question(
            "--policy",
            ("policy", "auto_update"),
            "Which items: opt-out (all that do not say no) or python-only",
            settings.policy.auto_update,
        ),
        *(() if WORKFLOW_PATH in files.kept else (schedule,)),
    )


def ask_for_namespaces(source: str) -> Question | None:
    """Return the question that a registry of one's own makes necessary: which images there are trusted."""
    kind, address = split_spelling(source)
    if kind != OCI:
        return None
    host = urlsplit(address).netloc
    namespaces = Settings().registry.namespaces
    return Question(
        "--namespaces",
        ("registry", "namespaces"),
        "Namespaces of trusted images, with commas between them",
        ", ".join((*namespaces, *(f"{host}/{name}" for name in namespaces))),
    )


def check_answer(key: Key, text: str, *, workflow: bool) -> str:
    """Return an answer that can be used.

    Args:
        key: The setting it is.
        text: The answer.
        workflow: GitHub has to read it, too.

    Raises:
        ValueError: It cannot, and why.
    """
    section, name = key
    try:
        parse_settings(f"{section}: {{{name}: {_write_answer(key, text)}}}".encode(), "")
    except SettingsError as exc:
        raise ValueError(exc.faults[0].message) from exc
    if workflow and key == CRON:
        _require_github_cron(text)
    return text


def check_action(text: str) -> str:
    """Return where the action lives, if that is written as `OWNER/REPO@REF`, and Actions could find it.

    Raises:
        ValueError: It is not, and why.
    """
    match = _ACTION.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not OWNER/REPO@REF')
    if copied := _PLACEHOLDERS & {*match[1].split("/"), match[2]}:
        raise ValueError(f"put your own in place of {' and '.join(sorted(copied))}; {HOW_TO_PIN}")
    # Source: "Short SHA deprecation" in GitHub's changelog of 2021.
    if _SHORT_COMMIT.fullmatch(match[2]):
        raise ValueError(f"Actions finds no commit by the short name {match[2]}; {HOW_TO_PIN}")
    return text


def is_pinned(action: str) -> bool:
    """Whether an action is named by a commit, so that nobody can move it."""
    return bool(_COMMIT.fullmatch(action.partition("@")[2]))


def write_files(root: Path, files: Files, answers: Mapping[Key, str], action: str | None) -> tuple[str, ...]:
    """Write what is to be written; the workflow only if it is known where the action lives.

    Args:
        root: Top folder of the work tree.
        files: What is to be written.
        answers: A text for each setting that was asked for.
        action: `OWNER/REPO@REF`, or None for no workflow.

    Returns:
        The paths that were written, below `root`.

    Raises:
        UsageError: A file cannot be written.
    """
    texts = {}
    if REPOSITORY_PATH in files.written:
        # GitHub Actions reads the time in the workflow, and never in the settings.
        said = {key: text for key, text in answers.items() if key != CRON or action is None}
        texts[REPOSITORY_PATH] = render_settings(said)
    if WORKFLOW_PATH in files.written and action is not None:
        texts[WORKFLOW_PATH] = render_workflow(
            action, cron=answers["schedule", "cron"], base=answers["content", "base"]
        )
    for path, text in texts.items():
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise UsageError(f"cannot make the folder of {root / path}: {exc.strerror}") from exc
        write_whole(root / path, text.encode())
    return tuple(texts)


def render_settings(answers: Mapping[Key, str]) -> str:
    """Return a settings file that says what was answered, each key with what it means.

    Raises:
        SettingsError: The answers do not make settings.
    """
    text = _HEADER
    said = ""
    for (section, name), answer in answers.items():
        if section != said:
            text += f"\n{section}:\n"
            said = section
        model: Any = Settings.model_fields[section].annotation
        meaning = textwrap.wrap(model.model_fields[name].description, 100, break_on_hyphens=False)
        text += "".join(f"  # {line}\n" for line in meaning)
        text += f"  {name}: {_write_answer((section, name), answer)}\n"
    parse_settings(text.encode(), REPOSITORY_PATH)
    return text


def _write_answer(key: Key, answer: str) -> str:
    """Return an answer as YAML; namespaces are a list."""
    if key != ("registry", "namespaces"):
        return write_value(answer)
    return write_value([name for part in answer.split(",") if (name := part.strip())])


def render_workflow(action: str, *, cron: str, base: str) -> str:
    """Return a workflow that runs the action.

    Args:
        action: `OWNER/REPO@REF`.
        cron: When; five fields.
        base: The branch to read.
    """
    repository, ref = action.split("@")
    pin = "" if is_pinned(action) else " # a tag or branch can be moved: write a commit"
    words = {"CRON": cron, "BASE": write_value(base), "OWNER/REPO": repository, "REF PIN": f"{ref}{pin}"}
    return re.sub("|".join(words), lambda match: words[match[0]], _TEMPLATE.read_text("utf-8"))


def find_action() -> str | None:
    """Return where the action lives, `OWNER/REPO@REF`; None while the project has no address on GitHub."""
    try:
        about = metadata("autobump")
    except PackageNotFoundError:
        return None
    urls = (line.partition(",")[2].strip() for line in about.get_all("Project-URL") or ())
    found = next((match for url in urls if (match := _GITHUB.fullmatch(url))), None)
    return f"{found[1]}@v{about['Version']}" if found else None


def _require_github_cron(cron: str) -> None:
    """Refuse what GitHub cannot read.

    Source: "on.schedule" in the workflow syntax of GitHub's documentation: five fields, weekdays 0 to 6.
    """
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError(f'"{cron}" has seconds, which a workflow cannot have')
    days = [day for part in fields[4].split(",") for day in part.partition("/")[0].split("-")]
    if "7" in days:
        raise ValueError(f'"{cron}" has the weekday 7, which a workflow cannot have; write 0 for Sunday')


def _guess_base(git: Git) -> str | None:
    """Return the default branch as the remote tells it, or one that is called as such branches are.

    The branch that is checked out counts only where there is no other: it may be somebody's work.
    """
    remote = find_remote(git) or "origin"
    default = git.ask("symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD")
    if default:
        return default.removeprefix(f"{remote}/")
    for place in (f"refs/remotes/{remote}", "refs/heads"):
        known = git.line("for-each-ref", "--format=%(refname)", place).splitlines()
        for name in _USUAL_BASES:
            if f"{place}/{name}" in known:
                return name
        if known:
            return known[0].removeprefix("refs/heads/") if place == "refs/heads" and len(known) == 1 else None
    return git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
