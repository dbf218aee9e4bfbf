"""Names the branch of a new pull request."""

import hashlib
import itertools
import json
from collections.abc import Sequence, Set


def branch_name(
    prefix: str,
    repository: str,
    packs: Sequence[str],
    reserved_branches: Set[str] = frozenset(),
    wave: str = "",
    risk_group: str = "",
) -> str:
    """Return the branch of a new pull request: `<prefix><image name>/<8 hex of image and pack set>`.

    A name that is reserved gets other digits, always the same ones.
    """
    names = (
        _branch_name(prefix, repository, packs, wave, risk_group, attempt) for attempt in itertools.count()
    )
    return next(name for name in names if name not in reserved_branches)


def _branch_name(
    prefix: str, repository: str, packs: Sequence[str], wave: str, risk_group: str, attempt: int
) -> str:
    extra = {"wave": wave, "lane": risk_group, "attempt": attempt}
    told = {name: value for name, value in extra.items() if value}
    key = json.dumps([repository, sorted(packs), *([told] if told else [])]).encode()
    name = repository.rpartition("/")[2].removesuffix(
        ".lock"
    )  # git refuses that ending; the hash still differs
    return f"{prefix}{name}/{hashlib.sha256(key).hexdigest()[:8]}"
