"""Which packages of an image provide an imported module.

`modules.json` maps import paths to the packages that install them. Its source is the packages' own wheels;
`make modules` adds to it. What it does not name is not known, and never guessed from a name that looks alike.
"""

import json
from collections import defaultdict
from functools import lru_cache
from importlib import resources

from msgspec import Struct
from packaging.utils import canonicalize_name
from packaging.version import Version


def normalise_package(name: str) -> str:
    """Return the one spelling of a package's name, such as `ruamel-yaml` for `ruamel.yaml`."""
    return canonicalize_name(name)


class Provider(Struct, frozen=True):
    """Who installs a module: its import path as it is installed, and the normalised names of the packages."""

    module: str
    packages: frozenset[str]


@lru_cache(maxsize=4096)
def find_provider(module: str) -> Provider | None:
    """Return who installs a module, or None when that is not known.

    Several packages may install the same one, and one that is not in the table may as well: look for the
    package of an image that is among these, and conclude nothing from its absence. A namespace that packages
    only share, such as `google`, belongs to all that install something below it.

    Args:
        module: Dotted import path, such as `google.cloud.storage.Client`; a name inside a module may follow.
    """
    installed_by, namespaces = _read_table()
    path = module
    while path:
        if path in installed_by:
            return Provider(path, installed_by[path])
        path = path.rpartition(".")[0]
    return Provider(module, namespaces[module]) if module in namespaces else None


@lru_cache(maxsize=1)
def known_packages() -> frozenset[str]:
    """Return the normalised names of all packages of the table, each a real one whose wheel was read."""
    return frozenset(package for packages in _read_table()[0].values() for package in packages)


def in_standard_library(module: str, python: str) -> bool:
    """Tell whether a module belongs to the standard library of a Python.

    Args:
        module: Dotted import path; its first part decides.
        python: Version such as `3.10.1`. A minor version that is not known counts as the nearest that is.

    Raises:
        packaging.version.InvalidVersion: `python` is no version.
    """
    return module.split(".")[0] in _standard_library(python)


@lru_cache(maxsize=1)
def _read_table() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Return what packages install, and below each shared namespace all packages."""
    text = resources.files(__package__).joinpath("modules.json").read_text("utf-8")
    installed_by = {path: frozenset(packages) for path, packages in json.loads(text).items()}
    namespaces: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for path, packages in installed_by.items():
        while path := path.rpartition(".")[0]:
            namespaces[path] |= packages
    return installed_by, dict(namespaces)


@lru_cache(maxsize=64)
def _standard_library(python: str) -> frozenset[str]:
    from stdlib_list import short_versions, stdlib_list

    asked = Version(python)

    def distance(known: str) -> int:
        version = Version(known)
        return abs((asked.major - version.major) * 100 + asked.minor - version.minor)

    return frozenset(name.split(".")[0] for name in stdlib_list(min(short_versions, key=distance)))
