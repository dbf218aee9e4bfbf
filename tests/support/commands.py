"""Every command there is, told by the command line itself."""

from collections.abc import Iterator

import click

from autobump.cli import cli


def _leaves(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _leaves(command, (*before, name))
        else:
            yield " ".join((*before, name)), command


COMMANDS = dict(_leaves(cli))
"""By the words that call it, such as `config check`."""
