"""The command line: its group of commands, and exit codes.

Nothing heavier than click is imported before a command runs, so that `--help` answers at once.
"""

import errno
import os
import sys

import click

from autobump import __version__
from autobump.cli.demo import demo
from autobump.cli.init import init_repository
from autobump.cli.inspect import explain, list_images, matrix, show_diff, show_tags
from autobump.cli.output import report_failure
from autobump.cli.passes import plan, run, schedule, verify
from autobump.cli.settings import config_group
from autobump.support.errors import AutobumpError, ExitCode
from autobump.support.printable import printable
from autobump.support.standard_streams import replace_closed_streams

_MACHINE_FAULTS = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE,
        errno.ENOMEM, errno.EACCES, errno.EPERM, errno.EBADF,
    }
)  # fmt: skip


def main() -> int:
    """Run autobump and return its exit code."""
    if sys.getfilesystemencoding() != "utf-8":
        # Paths in git are UTF-8 whatever the locale is; only a new interpreter can change its mind.
        again = [sys.executable, "-X", "utf8", "-m", "autobump", *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606 - itself, without a shell
    replace_closed_streams()
    # No plug-in checks the settings: pydantic need not look through all that is installed for one.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    return run_command(sys.argv[1:])


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are told on stderr."""
    try:
        status = cli.main(arguments, prog_name="autobump", standalone_mode=False)
        return int(status or ExitCode.DONE)
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()  # the help itself, which repeats nothing that was given
        return int(ExitCode.USAGE)
    except click.ClickException as exc:
        # Its text may repeat what was given.
        click.UsageError(printable(exc.format_message()), getattr(exc, "ctx", None)).show()
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt) as exc:
        # click makes one of the other, and may have been interrupted where nothing tells how far it was.
        report_failure(" ".join(["interrupted", *map(str, (exc.__cause__ or exc).args)]))
        return int(ExitCode.INTERRUPTED)
    except AutobumpError as exc:
        report_failure(*exc.lines)
        return int(exc.exit_code)
    except Exception as exc:
        if isinstance(exc, OSError) and exc.errno in _MACHINE_FAULTS:
            where = f": {exc.filename}" if exc.filename else ""
            report_failure(f"the machine does not let the pass go on: {exc.strerror}{where}")
            return int(ExitCode.FAILED)
        report_failure("unexpected error; please report it with the lines above", error=exc)
        return int(ExitCode.UNEXPECTED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autobump")
@click.option(
    "-v", "--verbose", count=True, help="Tell on stderr what is being done; twice for every detail."
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the lines on stderr are written.",
)
def cli(verbose: int, log_format: str) -> None:
    """Keep the Docker images of Cortex XSOAR/XSIAM content current.

    Exit codes: 0 done, 1 done but something failed, 2 wrong usage or settings, 3 unexpected error,
    130 interrupted.
    """
    from autobump.support.logs import LogFormat, start_logging

    start_logging(verbose, LogFormat(log_format))


def _tell_more(context: click.Context, _option: click.Parameter, verbose: int) -> None:
    """Count a `-v` behind a command like one before it."""
    if verbose:
        from autobump.support.logs import LogFormat, start_logging

        before = context.find_root().params
        start_logging(before["verbose"] + verbose, LogFormat(before["log_format"]))


def _with_verbose(command: click.Command) -> click.Command:
    """Let a command and those in it take `-v`, too."""
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _with_verbose(inner)
    if not isinstance(command, click.Group):
        option = click.Option(
            ("-v", "--verbose"),
            count=True,
            expose_value=False,
            callback=_tell_more,
            help="As before the command.",
        )
        command.params.append(option)
    return command


for _command in (
    plan,
    verify,
    run,
    schedule,
    explain,
    show_tags,
    show_diff,
    list_images,
    matrix,
    demo,
    config_group,
    init_repository,
):
    cli.add_command(_with_verbose(_command))
