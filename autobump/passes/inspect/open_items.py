"""Restricts a look to what open pull requests hold."""

from datetime import UTC, datetime
from glob import escape

from msgspec.structs import replace

from autobump.forges.name import ForgeName
from autobump.forges.open import open_forge
from autobump.passes.evaluate import Filters
from autobump.passes.open import LoadSettings, PassOptions, open_repository
from autobump.pull_requests.existing import PullRequestState
from autobump.support.errors import UsageError


def only_open(options: PassOptions, load: LoadSettings, name: ForgeName) -> PassOptions:
    """Return the options with filters that let through only items in open pull requests of a forge.

    Raises:
        UsageError: None is open, or items are filtered otherwise, too.
        ForgeError: The forge could not answer.
    """
    if options.filters != Filters():
        raise UsageError("--forge chooses the items; leave out --path, --pack and --image")
    tree, loaded = open_repository(replace(options, forge=name), load)
    forge = open_forge(name, tree.git, loaded.settings, datetime.now(UTC))
    markers = [pr.marker for pr in forge.fetch_existing() if pr.state is PullRequestState.OPEN and pr.marker]
    paths = {escape(path) for marker in markers for path in marker.paths}
    # A large one names no paths.
    paths |= {f"{escape(tree.prefix + pack)}/*" for one in markers if not one.paths for pack in one.packs}
    if not paths:
        raise UsageError("no pull request of autobump is open there")
    return replace(options, filters=Filters(paths=tuple(sorted(paths))))
