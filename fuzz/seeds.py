"""Takes real files of the corpus as seeds, where it lies beside the checkout; nothing of it is kept."""

import os
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus"
_MAX_BYTES = 6000
_MAX_FILES = 150

_WANTED = {
    "yaml_item": (".yml", b"S"),
    "yaml_splice": (".yml", b""),
    "yaml_scan": (".yml", b""),
    "pack_metadata": ("pack_metadata.json", b""),
    "python_imports": (".py", b""),
}
"""By target: how names of files end, and what stands before each."""


def corpus_seeds(target: str) -> Iterator[bytes]:
    """Yield small real files for a target; none where there is no corpus, or no files of that sort in it."""
    folder = Path(os.environ.get("AUTOBUMP_CORPUS", _BESIDE))
    if target == "image_page" and folder.is_dir():
        pages = (page for page in sorted(folder.rglob("*.md")) if page.stat().st_size <= _MAX_BYTES)
        yield from (page.read_bytes() for page in islice(pages, _MAX_FILES))
    if target in _WANTED and folder.is_dir():
        ending, head = _WANTED[target]
        for archive in sorted(folder.glob("content-*.tar.*")):
            yield from islice((head + data for data in _members(archive, ending)), _MAX_FILES)


def _members(archive: Path, ending: str) -> Iterator[bytes]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(ending) and 0 < member.size <= _MAX_BYTES:
                file = tar.extractfile(member)
                if file is not None:
                    yield file.read()
