"""A file of tags, plain or packed: refused as a whole, or tags that are sound. The first byte tells the packing."""

import gzip
import lzma
import tempfile
from pathlib import Path

from autobump.images.sources.cache import TagCache
from autobump.images.sources.snapshot import SnapshotSource
from autobump.support.errors import ImageNotFoundError, UsageError
from fuzz.records import check_records

_TEXT = b'{"demisto/x": ["1.0.0.9", "latest"], "demisto/y": {"1.0.0.1": {"created": "2026-01-01T00:00:00Z"}}}'
SEEDS = (
    b"j" + _TEXT,
    b"j" + b'{"demisto/x": {"1.0.0.1": {"digest": 1, "created": "2026-01-01"}, "2": null}}',
    b"j" + b'{"\\ud800": ["\\ud800"], "demisto/x": []}',
    b"j" + b'{"demisto/x": [' + b"9" * 5000 + b"]}",
    b"g" + gzip.compress(_TEXT, mtime=0),
    b"g" + gzip.compress(_TEXT, mtime=0)[:20] + b"\xff" * 30,
    b"x" + lzma.compress(_TEXT),
)
_ENDINGS = {b"g": ".json.gz", b"x": ".json.xz"}


def check(data: bytes) -> None:
    """Check one file."""
    with tempfile.TemporaryDirectory(prefix="autobump-fuzz-") as folder:
        path = Path(folder) / f"tags{_ENDINGS.get(data[:1], '.json')}"
        path.write_bytes(data[1:])
        cache = TagCache(Path(folder) / "cache")
        source = SnapshotSource.open(path, cache)
        for image in ("demisto/x", "demisto/y"):
            try:
                records = source.fetch_tags(image)
            except ImageNotFoundError:
                continue
            except UsageError as exc:
                str(exc).encode()
                return
            again = SnapshotSource.open(path, cache)
            check_records(records, digests=False)
            assert again.fetch_tags(image) == records
