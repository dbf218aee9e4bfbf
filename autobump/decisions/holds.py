"""Holds: rules of the maintainers that keep some items from some tags."""

from collections.abc import Callable, Iterable
from datetime import date
from fnmatch import fnmatchcase

from msgspec import Struct

from autobump.content.item import ContentItem
from autobump.images.choice import Release
from autobump.images.reference import Tag
from autobump.images.registries import names_of

PythonOf = Callable[[Release], str | None]
"""Tells the major and minor version of the Python in a tag, such as `3.11`, or None when not known."""


class HoldRule(Struct, frozen=True):
    """One rule; see the settings `policy.holds`.

    Attributes:
        reason: Why, in the maintainers' words.
        images: Patterns of images, see `names_of`; empty for all. Of each kind of selector one must match.
        paths: Patterns of the item's path, `*` matching `/` too; empty for all.
        packs: Patterns of pack folders; empty for all.
        items: Ids of items; empty for all.
        python: Only tags with this Python, `3.11`; None for any.
        max_tag: No tag with a higher build number; None for any.
        skip_tags: Not these.
        until: Nothing before this day; None for no freeze.
    """

    reason: str
    images: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    python: str | None = None
    max_tag: Tag | None = None
    skip_tags: tuple[str, ...] = ()
    until: date | None = None

    def covers(self, item: ContentItem, repository: str) -> bool:
        """Whether the rule is about an item that uses an image."""
        return (
            self._covers_image(repository)
            and _matches(self.paths, item.path)
            and _matches(self.packs, item.pack)
            and (not self.items or item.fields.item_id in self.items)
        )

    def covers_all(self, repository: str) -> bool:
        """Whether the rule is about every item that uses an image."""
        return self._covers_image(repository) and not (self.paths or self.packs or self.items)

    def _covers_image(self, repository: str) -> bool:
        return not self.images or any(_matches(self.images, name) for name in names_of(repository))

    def why_not(self, release: Release, python_of: PythonOf, today: date) -> str:
        """Say why a tag may not be used, or nothing when it may.

        Args:
            release: The tag.
            python_of: Asked only if the rule is about Python.
            today: The day of the pass, in UTC.
        """
        if self.until is not None and today < self.until:
            return f"frozen until {self.until}: {self.reason}"
        if self.max_tag is not None and release.tag.build > self.max_tag.build:
            return f"above {self.max_tag}: {self.reason}"
        if release.tag.text in self.skip_tags:
            return f"skipped: {self.reason}"
        if self.python is not None and (python := python_of(release)) != self.python:
            found = f"has Python {python}" if python else "has a Python that is not known"
            return f"{found} and not {self.python}: {self.reason}"
        return ""


def find_holds(holds: Iterable[HoldRule], item: ContentItem, repository: str) -> tuple[HoldRule, ...]:
    """Return the rules that are about an item, in their order."""
    return tuple(hold for hold in holds if hold.covers(item, repository))


def why_held(holds: Iterable[HoldRule], release: Release, python_of: PythonOf, today: date) -> str:
    """Say why a tag may not be used, by the first rule that says so, or nothing."""
    return next((why for hold in holds if (why := hold.why_not(release, python_of, today))), "")


def _matches(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)
