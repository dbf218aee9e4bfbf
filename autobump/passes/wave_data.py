"""Reads what waves select by: the coverage report, and the packs that are tested nightly."""

import json

from autobump.content.tree import ContentTree
from autobump.planning.waves import WaveData
from autobump.settings.model import RolloutSettings
from autobump.support.errors import UsageError
from autobump.support.files import expand_home
from autobump.support.git import GitError

_MAX_BYTES = 64 * 1024 * 1024


def load_wave_data(rollout: RolloutSettings, tree: ContentTree) -> WaveData:
    """Read what the settings name; nothing is read when there are no waves.

    Args:
        rollout: The settings.
        tree: The commit, whose files a path means first.

    Raises:
        UsageError: A file cannot be read, or holds something else.
        RegistryError: An address did not answer.

    Source: coverage reports as `{"files": {"Packs/….py": 91.89}}`; `nightly_packs` of `Tests/conf.json` in
    demisto/content.
    """
    if not rollout.waves:
        return WaveData()
    coverage: dict[str, float] = {}
    if name := rollout.coverage_report:
        files = _member(name, _read(name, tree), "files")
        if not isinstance(files, dict):
            raise UsageError(f'"files" of {name} is no mapping of paths to percents')
        for path, percent in files.items():
            if isinstance(percent, int | float) and not isinstance(percent, bool):
                coverage[path.lower()] = float(percent)
    nightly: frozenset[str] = frozenset()
    if name := rollout.nightly_packs:
        packs = _member(name, _read(name, tree), "nightly_packs")
        if not isinstance(packs, list):
            raise UsageError(f'"nightly_packs" of {name} is no list of packs')
        nightly = frozenset(pack for pack in packs if isinstance(pack, str))
    return WaveData(coverage, nightly)


def _read(name: str, tree: ContentTree) -> bytes:
    if name.startswith(("https://", "http://")):
        from autobump.support.http.client import download

        return download(name, _MAX_BYTES)
    try:
        data = tree.read_file(name)
    except GitError:  # the path leads out of the repository
        data = None
    if data is not None:
        return data
    try:
        with expand_home(name).open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as exc:
        raise UsageError(f"cannot read {name}, neither in the commit nor here: {exc.strerror}") from exc


def _member(name: str, data: bytes, key: str) -> object:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{name} is no JSON: {exc}") from exc
    if not isinstance(document, dict) or key not in document:
        raise UsageError(f'{name} has no "{key}"')
    return document[key]
