"""One item moving from its current tag to a target."""

from msgspec import Struct

from autobump.content.item import ContentItem
from autobump.content.pack import Pack
from autobump.decisions.risk import ItemRisk
from autobump.images.advisories.compare import AdvisoryDiff
from autobump.images.choice import Release
from autobump.images.reference import ImageRef, Tag


class Bump(Struct, frozen=True):
    """One item moving from its current tag to a target.

    Attributes:
        item: The item.
        pack: Its pack.
        image: The image as the file names it.
        current: Its tag; None when it names no immutable one and is pinned.
        target: Where it moves to.
        held_back: Which newer tag a hold keeps away, and why, or empty.
        risk: Risk of the update; None when it was not assessed.
        wave: Name of its wave; bumps of different waves never share a pull request. Empty without waves.
        risk_group: Bumps of different groups never share a pull request; empty for those that are safe.
        advisories: Known vulnerabilities that it fixes and brings in; None when nobody was asked.
        fixes_security: Its target fixes something of at least `policy.security.severity`.
        may_join: It may join an open pull request; not so while it is in none and its risk is unknown.
        newest: The newest tag for it while a running rollout has an older one; None where that is its target.
    """

    item: ContentItem
    pack: Pack
    image: ImageRef
    current: Tag | None
    target: Release
    held_back: str = ""
    risk: ItemRisk | None = None
    wave: str = ""
    risk_group: str = ""
    may_join: bool = True
    advisories: AdvisoryDiff | None = None
    fixes_security: bool = False
    newest: Release | None = None

    @property
    def path(self) -> str:
        """Path of the item's YAML file."""
        return self.item.path

    @property
    def new_image(self) -> str:
        """The image as the file will name it."""
        return self.image.with_tag(self.target.tag.text)

    @property
    def tags(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Its older and its newer tag, each with the image; the older is empty when the file names none."""
        repository = self.image.repository
        return (repository, self.image.tag or ""), (repository, self.target.tag.text)
