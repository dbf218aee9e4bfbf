"""What a source of tags or facts answered, or why it did not."""

from dataclasses import dataclass

from autobump.images.choice import Release
from autobump.images.inside.facts import ImageFacts


@dataclass(frozen=True, slots=True)
class NotFound:
    """The source has no such image."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The source could not answer for this image."""

    detail: str


Lookup = tuple[Release, ...] | NotFound | Unavailable
Digest = str | None | Unavailable
Facts = ImageFacts | None | Unavailable
