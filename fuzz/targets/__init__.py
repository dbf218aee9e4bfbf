"""One module a target: `SEEDS` to begin with, and `check`, which raises when something does not hold."""

from importlib import import_module
from typing import Protocol, cast

NAMES = (
    "yaml_item",
    "yaml_splice",
    "yaml_scan",
    "pack_metadata",
    "image_names",
    "image_page",
    "python_imports",
    "licence",
    "marker",
    "markdown",
    "settings",
    "docker_hub",
    "oci",
    "tag_file",
)


class Target(Protocol):
    """What a module of a target offers."""

    SEEDS: tuple[bytes, ...]

    def check(self, data: bytes) -> None:
        """Raise when something does not hold for these bytes."""
        ...


def load_target(name: str) -> Target:
    """Return a target by its name."""
    return cast(Target, import_module(f"fuzz.targets.{name}"))
