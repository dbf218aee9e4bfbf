"""Tells of which kind a licence is."""

import re
from enum import StrEnum
from functools import lru_cache


class LicenceKind(StrEnum):
    """What a licence asks of those who use the package."""

    PERMISSIVE = "permissive"
    WEAK_COPYLEFT = "weak copyleft"
    STRONG_COPYLEFT = "strong copyleft"
    UNKNOWN = "unknown"


_KINDS = tuple(LicenceKind)  # from the most to the least welcome
_AND = re.compile(r"\band\b", re.IGNORECASE)
_OR = re.compile(r"\bor\b|\s/\s", re.IGNORECASE)
_LATER = re.compile(r"\bor[- ](later|newer|any later version)\b", re.IGNORECASE)
_NAMES = (
    # Weak before strong: "Lesser General Public License" also holds the name of the strong one.
    (LicenceKind.UNKNOWN, r"\bNC\b|non-?commercial|proprietary|commercial"),
    (
        LicenceKind.WEAK_COPYLEFT,
        r"\bLGPL|(lesser|library) general public|\bMPL|mozilla public|\bEPL|eclipse public|\bCDDL|\bEUPL"
        r"|common development and distribution|european union public",
    ),
    (LicenceKind.STRONG_COPYLEFT, r"\bA?GPL|general public license|\bCC[- ]BY[- ]SA"),
    (
        LicenceKind.PERMISSIVE,
        r"\bMIT\b|\bBSD|\bApache|\bASL\b|\bISC\b|\bISCL\b|\bPSF|python software foundation|python-2\.0"
        r"|\bZPL|zope public|unlicense|public domain|\bzlib|libpng|\bHPND|historical permission|\bAFL"
        r"|academic free|\bWTFPL|\bCC0|\b0BSD|boost software|\bBSL-1\.0|eclipse distribution|\bEDL\b"
        r"|artistic license 2|artistic-2|\bCC[- ]BY\b|university of illinois|\bNCSA\b|blue ?oak",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _NAMES)


@lru_cache(maxsize=4096)
def classify_licence(licence: str) -> LicenceKind:
    """Say what kind of licence a package names.

    Args:
        licence: A classifier, an SPDX expression, or the free text of the package's metadata. Of licences
            joined by "or" the most welcome one counts, of those joined by "and" the least welcome.

    Source: the groups of the SPDX licence list and of the Open Source Initiative.
    """
    plain = _LATER.sub("", licence)
    # The classifier's own name has an "or" in it that offers no choice.
    plain = re.sub(r"library or lesser", "lesser", plain, flags=re.IGNORECASE)
    parts = [[_classify(one) for one in _OR.split(part)] for part in _AND.split(plain)]
    return max((min(choices, key=_KINDS.index) for choices in parts), key=_KINDS.index)


def _classify(licence: str) -> LicenceKind:
    return next((kind for kind, pattern in _PATTERNS if pattern.search(licence)), LicenceKind.UNKNOWN)
