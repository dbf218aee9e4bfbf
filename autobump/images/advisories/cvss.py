"""Reads the base score out of CVSS vectors.

Source: the base equations of the CVSS 3.1 and CVSS 2.0 specifications of FIRST. Version 4 is read
elsewhere.
"""

import math
from collections.abc import Mapping

from autobump.images.advisories.cvss4 import score_4

_V3: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_V2: Mapping[str, Mapping[str, float]] = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.660},
    "I": {"N": 0.0, "P": 0.275, "C": 0.660},
    "A": {"N": 0.0, "P": 0.275, "C": 0.660},
}


def base_score(vector: str) -> float | None:
    """Return the base score of a vector, from 0 to 10; None for what is no vector."""
    metrics = dict(part.split(":", 1) for part in vector.strip().split("/") if ":" in part)
    version = metrics.pop("CVSS", "2.0")
    try:
        if version.startswith("3"):
            return _score_3(metrics)
        if version.startswith("4"):
            return score_4(metrics)
        return _score_2(metrics) if version.startswith("2") else None
    except KeyError:
        return None


def _score_3(metrics: Mapping[str, str]) -> float:
    value = {name: table[metrics[name]] for name, table in _V3.items()}
    changed = metrics["S"] == "C"
    privileges = _PRIVILEGES[metrics["S"]][metrics["PR"]]
    iss = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (iss - 0.029) - 3.25 * (iss - 0.02) ** 15 if changed else 6.42 * iss
    exploitability = 8.22 * value["AV"] * value["AC"] * privileges * value["UI"]
    if impact <= 0:
        return 0.0
    return _round_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10))


def _round_up(score: float) -> float:
    """Round up to one digit, without the errors of binary fractions."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10


def _score_2(metrics: Mapping[str, str]) -> float:
    value = {name: table[metrics[name]] for name, table in _V2.items()}
    impact = 10.41 * (1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"]))
    exploitability = 20 * value["AV"] * value["AC"] * value["Au"]
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * (1.176 if impact else 0), 1)
