"""The command that shows the whole job on a built-in sample."""

import click

from autobump.cli.output import show
from autobump.support.errors import ExitCode


@click.command()
def demo() -> int:
    """Show the whole job on a built-in sample: no network, no token."""
    from autobump.demo import run_demo

    run_demo(show)
    return ExitCode.DONE
