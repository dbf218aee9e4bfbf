"""Names the branch of a new pull request."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence, Set

_BATCH = "batch"


def branch_name(
    prefix: str,
    packs: Mapping[str, Sequence[str]],
    reserved_branches: Set[str] = frozenset(),
    wave: str = "",
    risk_group: str = "",
) -> str:
    """Return the branch of a new pull request: `<prefix><image name>/<8 hex of image and pack set>`.

    With several images it is `<prefix>batch/<8 hex of the images and the pack set of each>`. A name that is
    reserved gets other digits, always the same ones.

    Args:
        prefix: What all branches begin with.
        packs: The packs of each image, by `namespace/name`; in any order.
        reserved_branches: Names that must not be used.
        wave: The wave of its bumps.
        risk_group: The risk group of its bumps.
    """
    names = (_branch_name(prefix, packs, wave, risk_group, attempt) for attempt in itertools.count())
    return next(name for name in names if name not in reserved_branches)


def _branch_name(
    prefix: str, packs: Mapping[str, Sequence[str]], wave: str, risk_group: str, attempt: int
) -> str:
    extra = {"wave": wave, "lane": risk_group, "attempt": attempt}
    told = {name: value for name, value in extra.items() if value}
    name = _BATCH
    made_of: list[object] = [[repository, sorted(packs[repository])] for repository in sorted(packs)]
    if len(packs) == 1:
        ((repository, its_packs),) = packs.items()
        made_of = [repository, sorted(its_packs)]
        # git refuses that ending; the hash still differs
        name = repository.rpartition("/")[2].removesuffix(".lock")
    key = json.dumps([*made_of, *([told] if told else [])]).encode()
    return f"{prefix}{name}/{hashlib.sha256(key).hexdigest()[:8]}"
