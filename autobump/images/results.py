"""What a source of tags or facts answered, or why it did not."""

from msgspec import Struct

from autobump.images.choice import Release
from autobump.images.inside.facts import ImageFacts


class NotFound(Struct, frozen=True):
    """The source has no such image."""

    detail: str


class Unavailable(Struct, frozen=True):
    """The source could not answer for this image."""

    detail: str


Lookup = tuple[Release, ...] | NotFound | Unavailable
Digest = str | None | Unavailable
Facts = ImageFacts | None | Unavailable
