"""The least a reader can do: every item's blob through git, and the C parser's events over it once."""

import sys
from pathlib import Path

from ruamel.yaml import YAML

from autobump.content.item import find_item_files
from autobump.content.tree import ContentTree


def main() -> None:
    """Read the repository named on the command line in the way named: `events`, `load` or `round-trip`."""
    tree = ContentTree.open(Path(sys.argv[1]))
    way = sys.argv[2]
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else None
    blobs = [file.blob for file in find_item_files(tree.list_files(), tree.prefix)][:limit]
    if way == "events":
        events = YAML(typ="safe", pure=False)
        for blob in tree.read(blobs):
            for _ in events.parse(blob.data or b""):
                pass
        return
    loader = YAML(typ="safe", pure=False) if way == "load" else YAML(typ="rt", pure=True)
    for blob in tree.read(blobs):
        loader.load(blob.data or b"")


if __name__ == "__main__":
    main()
