"""How many tags a source may tell of, so that none of them fills the memory of a pass."""

import threading
from typing import Annotated

from pydantic import Field

from autobump.support.errors import RegistryError

MAX_TAGS = 10_000
"""Most tags of one image. Of 278 published images the one with the most had 615 after eight years."""

MAX_TAGS_TOGETHER = 100_000
"""Most tags of all images that a pass asks for. Those 278 images had 12,180."""

TagName = Annotated[str, Field(min_length=1, max_length=128)]
"""A tag as a registry may spell it."""


class TagCount:
    """Counts the tags that a source has told; safe to share between threads."""

    def __init__(self) -> None:
        """Begin with none."""
        self._told: dict[str, int] = {}
        self._lock = threading.Lock()

    def require_few(self, image: str, tags: int) -> None:
        """Count the tags of an image, in place of those that it was said to have before.

        Raises:
            RegistryError: They are more than memory is kept for; they count no more.
        """
        if tags > MAX_TAGS:
            raise RegistryError(f"{image} has more than {MAX_TAGS:,} tags")
        with self._lock:
            self._told[image] = tags
            if sum(self._told.values()) > MAX_TAGS_TOGETHER:
                del self._told[image]
                raise RegistryError(
                    f"with {image} all images together have more than {MAX_TAGS_TOGETHER:,} tags"
                )
