"""Finds the real content repository and tag data that may lie beside the checkout."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.tools import miss

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def corpus_folder() -> Path:
    """Return the folder of the corpus.

    Where it is missing the test is skipped and says why; in CI that is a failure.
    """
    folder = Path(os.environ.get("AUTOBUMP_CORPUS", _BESIDE))
    if not folder.is_dir():
        message = "the corpus is not beside this checkout; set AUTOBUMP_CORPUS to its folder"
        miss(message)
    return folder


def unpack_content(destination: Path, copies: int = 1) -> Path:
    """Unpack the corpus into a fresh git repository and return its folder."""
    script = corpus_folder() / "make_content_repo.py"
    command = [sys.executable, str(script), str(destination), "--copies", str(copies)]
    subprocess.run(command, check=True, capture_output=True)
    return destination
