"""Reads the base score out of CVSS vectors of version 4.

Source: the scoring in the specification of CVSS 4.0 by FIRST. The figures are those of cvss_lookup.js and
cvss40.js in RedHatProductSecurity/cvss-v4-calculator, by FIRST, Red Hat and contributors. A base score takes
exploits for known and every requirement for high, and nobody's safety counts in it, so that 60 of the 270
figures are enough.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product

_IMPACTS = ("00", "01", "10", "11", "21")
"""EQ3 and EQ6, which belong together: impact on the system, and whether what is hit is required."""

_ROWS = """
10.0 9.3  9.6 9.0  9.3 8.8  9.2 8.0  7.9 6.9
9.5 9.2  9.1 8.1  9.2 8.4  8.2 7.0  7.1 6.3
9.4 8.7  8.9 7.5  8.6 7.2  7.6 5.7  6.5 5.3
9.0 7.7  7.7 6.6  7.4 6.1  5.9 5.2  5.8 2.3
8.6 7.0  7.4 5.4  7.2 5.3  5.7 3.6  4.7 2.4
7.3 5.4  5.5 4.3  6.1 4.6  5.1 1.8  2.4 1.0
"""
"""A line for each EQ1 and EQ2, a pair for each of `_IMPACTS`, and in it a score for each EQ4 of 1 and 2."""

_SCORES = dict(
    zip(product((0, 1, 2), (0, 1), _IMPACTS, (1, 2)), map(float, _ROWS.split()), strict=True)
)  # EQ1, EQ2, EQ3 with EQ6, EQ4
_NEXT_IMPACTS: Mapping[str, Sequence[str]] = {"00": ("01", "10"), "10": ("11",), "21": ()}

_LEVELS: Mapping[str, str] = {
    "AV": "NALP",
    "PR": "NLH",
    "UI": "NPA",
    "AC": "LH",
    "AT": "NP",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}
"""The values of each metric, the worst first."""

_EXPLOIT, _COMPLEXITY = ("AV", "PR", "UI"), ("AC", "AT")
_IMPACT, _LATER = ("VC", "VI", "VA"), ("SC", "SI", "SA")
_WORST: Mapping[tuple[Sequence[str], int | str], Sequence[str]] = {
    (_EXPLOIT, 0): ("NNN",),
    (_EXPLOIT, 1): ("ANN", "NLN", "NNP"),
    (_EXPLOIT, 2): ("PNN", "ALP"),
    (_COMPLEXITY, 0): ("LN",),
    (_COMPLEXITY, 1): ("HN", "LP"),
    (_IMPACT, "00"): ("HHH",),
    (_IMPACT, "10"): ("LHH", "HLH"),
    (_IMPACT, "21"): ("LLL",),
    (_LATER, 1): ("HHH",),
    (_LATER, 2): ("LLL",),
}
"""The worst vectors of each set."""

_DEPTHS: Mapping[tuple[Sequence[str], int | str], int] = {
    (_EXPLOIT, 0): 1,
    (_EXPLOIT, 1): 4,
    (_EXPLOIT, 2): 5,
    (_COMPLEXITY, 0): 1,
    (_COMPLEXITY, 1): 2,
    (_IMPACT, "00"): 7,
    (_IMPACT, "10"): 8,
    (_IMPACT, "21"): 10,
    (_LATER, 1): 5,
    (_LATER, 2): 4,
}
"""Steps from the worst vectors of a set to the next set."""

_EPSILON = 1e-6


def score_4(metrics: Mapping[str, str]) -> float:
    """Return the base score of a vector of version 4.

    Args:
        metrics: Values by metric; those of threat and environment are left out of account.

    Raises:
        KeyError: A metric is missing, or has no such value.
    """
    for metric, values in _LEVELS.items():
        if len(metrics[metric]) != 1 or metrics[metric] not in values:
            raise KeyError(metric)
    if all(metrics[metric] == "N" for metric in (*_IMPACT, *_LATER)):
        return 0.0
    eq1, eq2, eq3, eq4 = _sets(metrics)
    score = _SCORES[eq1, eq2, eq3, eq4]
    parts = (
        (_EXPLOIT, eq1, [(eq1 + 1, eq2, eq3, eq4)]),
        (_COMPLEXITY, eq2, [(eq1, eq2 + 1, eq3, eq4)]),
        (_IMPACT, eq3, [(eq1, eq2, lower, eq4) for lower in _NEXT_IMPACTS[eq3]]),
        (_LATER, eq4, [(eq1, eq2, eq3, eq4 + 1)]),
    )
    shares = [0.0]  # that of EQ5, which always has a lower set and is at its worst
    for names, own, below in parts:
        if lower := [_SCORES[key] for key in below if key in _SCORES]:
            shares.append((score - max(lower)) * _distance(metrics, names, own) / _DEPTHS[names, own])
    return math.floor((score - sum(shares) / len(shares)) * 10 + 0.5 + _EPSILON) / 10


def _sets(metrics: Mapping[str, str]) -> tuple[int, int, str, int]:
    worst = [metrics[metric] == "N" for metric in _EXPLOIT]
    eq1 = 0 if all(worst) else 1 if any(worst) and metrics["AV"] != "P" else 2
    eq2 = 0 if metrics["AC"] == "L" and metrics["AT"] == "N" else 1
    if metrics["VC"] == metrics["VI"] == "H":
        eq3 = "00"
    else:
        eq3 = "10" if any(metrics[metric] == "H" for metric in _IMPACT) else "21"
    eq4 = 1 if any(metrics[metric] == "H" for metric in _LATER) else 2
    return eq1, eq2, eq3, eq4


def _distance(metrics: Mapping[str, str], names: Sequence[str], own: int | str) -> int:
    """Return how many steps a vector is below the first of the worst vectors that is as bad or worse."""
    for worst in _WORST[names, own]:
        steps = [
            _LEVELS[name].index(metrics[name]) - _LEVELS[name].index(value)
            for name, value in zip(names, worst, strict=True)
        ]
        if min(steps) >= 0:
            return sum(steps)
    raise KeyError(own)
