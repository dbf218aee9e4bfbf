"""The command that writes settings and a workflow into a content repository."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobump.cli.options import Folder, tags_option
from autobump.cli.output import show
from autobump.support.errors import ExitCode

if TYPE_CHECKING:
    from autobump.settings.starter import Question


_WHAT_IS_AN_ACTION = (
    "OWNER/REPO is the repository on GitHub that holds autobump, with .github/actions/autobump, and REF the "
    "commit of it that you reviewed"
)


@click.command("init")
@click.option(
    "--repo",
    type=Folder(),
    default=".",
    metavar="DIR",
    help="Content repository to write into.  [default: .]",
)
@click.option("--repository", metavar="OWNER/NAME", help="Its name on GitHub.  [default: as its remote says]")
@click.option(
    "--base", metavar="BRANCH", help="Branch that pull requests go to.  [default: as its remote says]"
)
@click.option("--policy", type=click.Choice(("opt-out", "python-only")), help="Which items may be updated.")
@click.option("--schedule", metavar="CRON", help="When: five fields as in crontab(5), in UTC.")
@tags_option
@click.option(
    "--namespaces",
    metavar="NAMES",
    help="Namespaces of trusted images, where tags come from an OCI registry.",
)
@click.option(
    "--action",
    metavar="OWNER/REPO@REF",
    help="Where the autobump action lives: the repository of autobump, and a commit.",
)
@click.option("--no-workflow", is_flag=True, help="Write the settings alone.")
@click.option("--yes", is_flag=True, help="Ask nothing: guesses and defaults count.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def init_repository(
    repo: Path,
    repository: str | None,
    base: str | None,
    policy: str | None,
    schedule: str | None,
    tags: str | None,
    namespaces: str | None,
    action: str | None,
    no_workflow: bool,
    yes: bool,
    force: bool,
) -> int:
    """Write .github/autobump.yml and a workflow into a content repository; a file that is there stays.

    What is not given as an option is asked for on a terminal.
    """
    from autobump.settings.starter import (
        CRON,
        HOW_TO_PIN,
        WORKFLOW_PATH,
        ask_for_namespaces,
        ask_of,
        check_action,
        choose_files,
        find_action,
        find_work_tree,
        is_pinned,
        write_files,
    )

    if action and no_workflow:
        raise click.UsageError("--action and --no-workflow exclude each other")
    git = find_work_tree(repo)
    files = choose_files(git.directory, workflow=not no_workflow, force=force)
    workflow = WORKFLOW_PATH in files.written
    asked = not yes and sys.stdin.isatty()
    given = {
        "--repository": repository,
        "--base": base,
        "--tags": tags,
        "--policy": policy,
        "--schedule": schedule,
        "--namespaces": namespaces,
    }
    answers = {}
    for question in ask_of(git, files):
        answer = _answer(question, given[question.option], asked=asked, workflow=workflow)
        answers[question.key] = answer
        if question.option == "--tags" and (more := ask_for_namespaces(answer)):
            answers[more.key] = _answer(more, namespaces, asked=asked, workflow=workflow)
    if namespaces is not None and ("registry", "namespaces") not in answers:
        raise click.UsageError("--namespaces goes with --tags oci:https://host[/prefix] alone")
    if action is not None:
        action = _checked(check_action, action, "--action")
    elif workflow and asked:
        known = find_action()
        click.echo(f"note: {_WHAT_IS_AN_ACTION}", err=True)
        action = click.prompt(
            "Where the autobump action lives, as OWNER/REPO@REF; nothing for no workflow",
            known or "",
            show_default=bool(known),
            value_proc=lambda text: _checked(check_action, text) if text else "",
        )
    elif workflow and (known := find_action()):
        action = known
    elif workflow and not (yes and len(files.written) > 1):
        raise click.UsageError(
            f"name the action with --action OWNER/REPO@REF, or say --no-workflow; {_WHAT_IS_AN_ACTION}"
        )
    if schedule is not None and CRON not in answers:
        raise click.UsageError(
            f"{WORKFLOW_PATH} is there already and says when it runs; leave out --schedule"
        )
    if workflow and not action and schedule is None and not asked:
        answers.pop(CRON, None)  # the workflow that comes later says when
    for path in files.kept:
        show(f"{path} is there already and stays as it is; --force writes over")
    if written := write_files(git.directory, files, answers, action or None):
        show("".join(f"wrote {path}\n" for path in written), nl=False)
        goal = answers.get(("content", "repository"))
        show(f"Pull requests go to {answers['content', 'base']}{f' of {goal}' if goal else ''}.")
        if WORKFLOW_PATH in written and action and not is_pinned(action):
            show(f"{action.partition('@')[2]} is no commit, and can be moved to code that nobody reviewed.")
            show(f"{HOW_TO_PIN}.")
        if workflow and not action:
            show("No workflow was written: it has to name where the autobump action lives. To write it, run")
            show("autobump init --action OWNER/REPO@REF")
            show(f"where {_WHAT_IS_AN_ACTION}")
        show("Commit what was written: autobump reads the commit, never the work tree.")
    return ExitCode.DONE


def _answer(question: "Question", given: str | None, *, asked: bool, workflow: bool) -> str:
    """Return the answer that was given, or is given now, or counts without one."""
    from autobump.settings.starter import check_answer

    def check(text: str) -> str:
        return check_answer(question.key, text, workflow=workflow)

    if given is not None:
        return _checked(check, given, question.option)
    if asked:
        if question.note:
            click.echo(f"note: {question.note}", err=True)
        answer: str = click.prompt(
            question.text, question.default, value_proc=lambda text: _checked(check, text)
        )
        return answer
    if question.default is None:
        why = question.note or f"{question.option} cannot be told from the repository"
        raise click.UsageError(
            f"{why}; name it with {question.option}" if question.note else f"{why}; name it"
        )
    return _checked(check, question.default, question.option)


def _checked(check: Callable[[str], str], text: str, option: str | None = None) -> str:
    try:
        return check(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint=option) from exc
