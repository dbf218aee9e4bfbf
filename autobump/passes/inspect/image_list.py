"""Lists of images, as a search finds them or content repositories use them."""

from collections.abc import Mapping

from msgspec import Struct, field

from autobump.images.advisories.compare import Advisory
from autobump.images.inside.facts import ImageFacts


class ImageAtTag(Struct, frozen=True):
    """A tag of an image, and what is known of it.

    Attributes:
        image: As `full_name` writes it.
        tag: The tag.
        address: Registry and path that an engine pulls it from.
        over_http: Whether that registry is spoken to without TLS.
        items: Items that use the image, at whatever tag in a search, else at this one; None when no content
            repository was read.
        arriving: Items that would move to this tag.
        facts: What is inside; None when it is not known.
        vulnerabilities: Known ones, the worst first; None when they are not known.
        packages: Versions of the packages that were asked for, by name as published.
        advice: What the list of deprecated images says, or empty.
    """

    image: str
    tag: str
    address: str
    over_http: bool = False
    items: int | None = None
    arriving: int = 0
    facts: ImageFacts | None = None
    vulnerabilities: tuple[Advisory, ...] | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""

    @property
    def reference(self) -> str:
        """What an engine pulls, `registry/path:tag`."""
        return f"{self.address}:{self.tag}"


class ImageList(Struct, frozen=True):
    """Images that were found.

    Attributes:
        images: Those of a search with most items first, then with fewest vulnerabilities, deprecated ones
            last; those in use by name, then by tag.
        wanted: Packages that were asked for, as texts; None for images in use.
        unknown: Image and why, for what could not be found out, by image.
        failed: Whether a registry or a source of facts did not answer.
        unread: Item files that could not be read; which images they use is not known.
        has_facts: Whether anybody tells what is inside images.
        has_advisories: Whether anybody tells known vulnerabilities.
        hint: The name of a package that is close to one that no image has, or empty.
    """

    images: tuple[ImageAtTag, ...]
    wanted: tuple[str, ...] | None = None
    unknown: tuple[tuple[str, str], ...] = ()
    failed: bool = False
    unread: int = 0
    has_facts: bool = True
    has_advisories: bool = True
    hint: str = ""
