"""Loads a registry with the tags of a tag file: `python -m benchmarks.load_registry URL LOG TAGS [IMAGE …]`.

A process of its own, because what a measuring process holds in memory counts for the commands it starts.
"""

import json
import lzma
import sys
from pathlib import Path

from tests.fixtures.registry import Registry, load_tags


def main() -> None:
    """Load the images named, or all."""
    url, log, tags, *images = sys.argv[1:]
    everything = json.loads(lzma.decompress(Path(tags).read_bytes()))
    load_tags(Registry(url, Path(log)), {image: everything[image] for image in images or everything})


if __name__ == "__main__":
    main()
