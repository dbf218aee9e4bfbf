"""How fast two tags of an image are compared: `python -m benchmarks.diffs`."""

import itertools
import json
import lzma
import time

from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import facts_from_record
from tests.fixtures.corpus import corpus_folder


def main() -> None:
    """Compare all neighbouring tags of all images, and print the rate."""
    known = json.loads(lzma.decompress((corpus_folder() / "images-2026-05.json.xz").read_bytes()))
    begin = time.perf_counter()
    images = [[facts_from_record(record) for record in records.values()] for records in known.values()]
    read = time.perf_counter()
    pairs = [pair for tags in images for pair in itertools.pairwise(tags)]
    changes = sum(len(ImageDiff(old, new).changes or ()) for old, new in pairs)
    end = time.perf_counter()
    tags = sum(map(len, images))
    print(f"{tags:,} tags read: {tags / (read - begin):,.0f} a second")
    print(f"{len(pairs):,} pairs compared: {len(pairs) / (end - read):,.0f} a second, {changes:,} changes")


if __name__ == "__main__":
    main()
