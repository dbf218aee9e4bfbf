"""Everything that is installed with autobump may be used beside MIT-licensed code."""

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement

from autobump.images.inside.licences import LicenceKind, classify_licence

WELCOME = {LicenceKind.PERMISSIVE, LicenceKind.WEAK_COPYLEFT}

EXCEPTIONS: dict[str, str] = {}
"""Licences that the metadata does not tell, by package: the licence as its own files say it."""


def test_every_dependency_has_a_licence_that_asks_little() -> None:
    found = {found.name: licence_of(found) for found in installed_with("autobump")}
    assert len(found) > 15
    kinds = {name: classify_licence(EXCEPTIONS.get(name, licence)) for name, licence in found.items()}
    assert {name: found[name] for name, kind in kinds.items() if kind not in WELCOME} == {}


def test_no_exception_is_left_over() -> None:
    assert EXCEPTIONS.keys() <= {found.name for found in installed_with("autobump")}


def installed_with(name: str) -> Iterator[Distribution]:
    """Yield every distribution that a requirement without extras brings in, without the first."""
    waiting, seen = [(name, frozenset[str]())], {(name, frozenset[str]())}
    told: set[str] = set()
    while waiting:
        wanted, extras = waiting.pop()
        current = distribution(wanted)
        if wanted != name and current.name not in told:
            told.add(current.name)
            yield current
        for text in current.requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                following = (requirement.name, frozenset(requirement.extras))
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)


def licence_of(found: Distribution) -> str:
    """Return the SPDX expression, else the classifiers, else the free text.

    Source: core metadata 2.4, `License-Expression` before `Classifier` before `License`.
    """
    metadata = found.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    prefix = "License :: "
    classifiers = [one for one in metadata.get_all("Classifier", []) if one.startswith(prefix)]
    named = [one.removeprefix(prefix).removeprefix("OSI Approved :: ") for one in classifiers]
    named = [one for one in named if one != "OSI Approved"]
    return " and ".join(named) or "".join(metadata.get_all("License", [])[:1]).split("\n")[0]
