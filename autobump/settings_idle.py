"""Finds settings that have no effect on a repository: names that match nothing there, rules that are over."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase

from autobump.config import HoldSettings, PolicySettings, SettingPath, Settings
from autobump.content.facts_cache import FactsCache
from autobump.content.item import ContentItem
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.images.reference import parse_image_ref
from autobump.opening import find_cache_folder
from autobump.support.progress import Silent

UsedItem = tuple[ContentItem, str]
"""An item and the image it uses, `namespace/name`, or an empty text."""


def find_idle_settings(
    settings: Settings, items: Iterable[UsedItem], today: date
) -> Iterator[tuple[SettingPath, str]]:
    """Yield the path of each setting that has no effect on a repository, and why.

    A slip of the pen looks like that, and would go unseen. Defaults are never told.

    Args:
        settings: The settings of the repository.
        items: All items of it; of a part of them nothing can be said.
        today: The day of the pass, in UTC.
    """
    names = _Names(items)
    policy, usual = settings.policy, PolicySettings()
    for key, given, default in (
        ("packs", policy.exclude_packs, usual.exclude_packs),
        ("images", policy.exclude_images, usual.exclude_images),
    ):
        for number, name in enumerate(given):
            if name not in default and (why := names.why_idle(key, name)):
                yield ("policy", f"exclude_{key}", number), why
    for number, hold in enumerate(policy.holds):
        for inner, why in _idle_of_hold(hold, names, today):
            yield ("policy", "holds", number, *inner), why
    for number, wave in enumerate(settings.rollout.waves):
        for key, given in (("packs", wave.packs), ("images", wave.images)):
            for place, name in enumerate(given):
                if why := names.why_idle(key, name):
                    yield ("rollout", "waves", number, key, place), why


def read_used_items(tree: ContentTree, settings: Settings) -> Iterator[UsedItem]:
    """Yield every item of a commit with its image."""
    cache = FactsCache(find_cache_folder(settings.registry.cache))
    for item in read_content(tree, progress=Silent(), cache=cache).items:
        try:
            yield item, parse_image_ref(item.facts.image.text or "").repository
        except ValueError:
            yield item, ""


def _idle_of_hold(hold: HoldSettings, names: "_Names", today: date) -> Iterator[tuple[SettingPath, str]]:
    idle = [
        ((key, number), why)
        for key in ("images", "paths", "packs", "items")
        for number, name in enumerate(getattr(hold, key))
        if (why := names.why_idle(key, name))
    ]
    yield from idle
    if not idle and not names.any_item(hold.hold.covers):
        yield (), "no item is covered by all that it names"
    if hold.until is not None and hold.until <= today:
        rest = hold.python or hold.max_tag or hold.skip_tags
        more = "only the rest of the rule counts" if rest else "the rule holds nothing back any more"
        yield ("until",), f"{hold.until} is over; {more}"


class _Names:
    """What the items of a repository have, gathered when it is asked for."""

    def __init__(self, items: Iterable[UsedItem]) -> None:
        self._items = tuple(items)
        self._known: dict[str, Collection[str]] = {}

    def why_idle(self, key: str, name: str) -> str:
        """Say that no item has a name or one that matches it, with the nearest there is, or say nothing."""
        known = self._find_known(key)
        if name in known or (key != "items" and any(fnmatchcase(one, name) for one in known)):
            return ""
        kind = {"packs": "pack", "images": "image", "paths": "path", "items": "id"}[key]
        close = get_close_matches(name, known, n=1)
        return f"no item has the {kind} {name!r}{f'; did you mean {close[0]}?' if close else ''}"

    def any_item(self, covers: Callable[[ContentItem, str], bool]) -> bool:
        """Whether a rule covers any item."""
        return any(covers(item, image) for item, image in self._items)

    def _find_known(self, key: str) -> Collection[str]:
        if key not in self._known:
            self._known[key] = {_NAMES[key](item, image) for item, image in self._items} - {""}
        return self._known[key]


_NAMES: Mapping[str, Callable[[ContentItem, str], str]] = {
    "packs": lambda item, _: item.pack,
    "images": lambda _, image: image,
    "paths": lambda item, _: item.path,
    "items": lambda item, _: item.facts.item_id,
}
"""What each kind of name is of an item and its image."""
