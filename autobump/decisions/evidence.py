"""Evidence: what running an item in the old and the new image showed."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from autobump.decisions.level import Level


class Verdict(StrEnum):
    """What came of it; the worst first."""

    BREAKS = "breaks"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not-run"
    MENDS = "mends"
    SAME = "same"

    @property
    def rank(self) -> int:
        """Lower is worse."""
        return list(Verdict).index(self)

    @property
    def words(self) -> str:
        """How it reads."""
        return self.value.replace("-", " ")


class Evidence(Struct, frozen=True):
    """What is known of one item in two images.

    Attributes:
        level: How much was run.
        verdict: What came of it.
        detail: The error, or why nothing can be told; one line of text from outside, or empty.
    """

    level: Level
    verdict: Verdict
    detail: str = ""


def tell_verdicts(evidence: Iterable[Evidence]) -> str:
    """Say how many items there are of each verdict, the worst first, such as `1 breaks, 11 same`."""
    counts = Counter(one.verdict for one in evidence)
    return ", ".join(f"{counts[verdict]:,} {verdict.words}" for verdict in Verdict if counts[verdict])
