"""Which items may be updated: every rule in order, as a value with a reason."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct, field

from autobump.content.item import ContentItem
from autobump.content.pack import Pack
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.reference import ImageRef, Tag, find_current_tag, parse_image_ref
from autobump.images.registries import Place, Registries, full_name, names_of

PYTHON_IMAGES = frozenset({"demisto/python", "demisto/python3"})
NATIVE_IMAGE = "demisto/py3-native"
_WILDCARDS = frozenset("*?[")


class SkipReason(StrEnum):
    """Why an item is left alone; the order is the order in which the rules are tried."""

    NOT_CONTAINERISED = "not-containerised"
    NO_DOCKER_IMAGE = "no-docker-image"
    INVALID_DOCKER_IMAGE = "invalid-docker-image"
    UNKNOWN_REGISTRY = "unknown-registry"
    UNTRUSTED_REPOSITORY = "untrusted-repository"
    NATIVE_IMAGE = "native-image"
    NO_PACK_METADATA = "no-pack-metadata"
    HIDDEN_PACK = "hidden-pack"
    EXCLUDED_PACK = "excluded-pack"
    DEPRECATED_ITEM = "deprecated-item"
    SUPPORT_LEVEL = "support-level"
    AUTO_UPDATE_DISABLED = "auto-update-disabled"
    NOT_OPTED_IN = "not-opted-in"
    EXCLUDED_IMAGE = "excluded-image"
    DEPRECATED_IMAGE = "deprecated-image"
    MUTABLE_TAG = "mutable-tag"


class EligibilityPolicy(Struct, frozen=True):
    """What the settings say about eligibility.

    Attributes:
        registries: The registries that are known, and the namespaces that are trusted there.
        auto_update: `opt-out` updates all that do not say `false`; `python-only` only the Python images and
            those that say `true`.
        support: Support levels that are updated; empty for all.
        exclude_packs: Folder names or glob patterns.
        exclude_images: Images as `names_of` tells them, or glob patterns.
        pin_mutable_tags: Move mutable tags to the newest immutable one.
        needs_metadata: An update changes the metadata of the pack.
        deprecated: Deprecated images that are not updated, by `namespace/name`.
    """

    registries: Registries = field(default_factory=Registries)
    auto_update: Literal["opt-out", "python-only"] = "opt-out"
    support: tuple[str, ...] = ()
    exclude_packs: tuple[str, ...] = ("ApiModules",)
    exclude_images: tuple[str, ...] = ()
    pin_mutable_tags: bool = False
    needs_metadata: bool = True
    deprecated: Mapping[str, DeprecatedImage] = field(default_factory=dict)
    _places: dict[str, Place | None] = field(default_factory=dict)

    def find_place(self, image: ImageRef) -> Place | None:
        """Return where an image is looked up; thousands of items share a few hundred images."""
        name = image.repository
        if name not in self._places:
            self._places[name] = self.registries.find_place(image)
        return self._places[name]


class Eligible(Struct, frozen=True):
    """An item that may be updated; `current` is None when it names no immutable tag and is to be pinned."""

    item: ContentItem
    pack: Pack
    image: ImageRef
    current: Tag | None


class Skipped(Struct, frozen=True):
    """An item that is left alone, and why.

    Attributes:
        path: Its file.
        pack: Its pack.
        reason: A slug.
        detail: In words.
        repository: Image it uses, as it is written, or empty.
        tag: Tag it uses, or empty.
    """

    path: str
    pack: str
    reason: str
    detail: str
    repository: str = ""
    tag: str = ""


class Judgement(Struct, frozen=True):
    """One rule applied to one item: the fact it looked at, and the reason to skip if it says so."""

    rule: SkipReason
    fact: str
    skip_detail: str | None


class _Subject:
    """An item with what the rules look at; the image is parsed once."""

    __slots__ = ("fields", "image", "image_flaw", "item", "pack", "place", "policy")

    def __init__(self, item: ContentItem, pack: Pack, policy: EligibilityPolicy) -> None:
        self.item = item
        self.fields = item.fields
        self.pack = pack
        self.policy = policy
        self.image: ImageRef | None = None
        self.image_flaw = self.fields.image.flaw
        if self.fields.image.text and not self.image_flaw:
            try:
                self.image = parse_image_ref(self.fields.image.text)
            except ValueError as exc:
                self.image_flaw = str(exc)
        self.place: Place | None = policy.find_place(self.image) if self.image else None

    @property
    def repository(self) -> str:
        return self.image.repository if self.image else ""

    @property
    def names(self) -> tuple[str, ...]:
        return names_of(self.repository)

    @property
    def owner(self) -> str:
        return self.image.owner if self.image else ""

    @property
    def tag(self) -> str | None:
        return self.image.tag if self.image else None


class _Rule(Struct, frozen=True):
    """One row of the table: what it looks at, and the detail if it makes the item skipped."""

    reason: SkipReason
    fact: Callable[[_Subject], str]
    skip: Callable[[_Subject], str | None]


def decide_eligibility(item: ContentItem, pack: Pack, policy: EligibilityPolicy) -> Eligible | Skipped:
    """Decide whether an item may be updated, before anything is known of the registry.

    Source: Cortex XSOAR developer documentation on `autoUpdateDockerImage` (opt-out), the XSIAM content
    guide (`python-only`), and DO100 to DO104 of demisto-sdk 1.39.
    """
    subject = _Subject(item, pack, policy)
    for rule in _RULES:
        detail = rule.skip(subject)
        if detail is not None:
            return Skipped(item.path, item.pack, rule.reason, detail)
    return _eligible(subject)


def trace_eligibility(item: ContentItem, pack: Pack, policy: EligibilityPolicy) -> Iterator[Judgement]:
    """Yield the verdict of every rule in order, ending with the first that skips the item."""
    subject = _Subject(item, pack, policy)
    for rule in _RULES:
        detail = rule.skip(subject)
        yield Judgement(rule.reason, rule.fact(subject), detail)
        if detail is not None:
            return


def matches_any(name: str, patterns: tuple[str, ...]) -> str | None:
    """Return the first pattern that a name matches, letter case counting, or None."""
    for pattern in patterns:
        if name == pattern or (not _WILDCARDS.isdisjoint(pattern) and fnmatchcase(name, pattern)):
            return pattern
    return None


def _eligible(subject: _Subject) -> Eligible:
    if subject.image is None:
        raise AssertionError("the rules let an item without image through")
    current = find_current_tag(subject.tag) if subject.tag else None
    return Eligible(subject.item, subject.pack, subject.image, current)


def _skip_support(subject: _Subject) -> str | None:
    level = subject.pack.support_level
    if not subject.policy.support or level in subject.policy.support:
        return None
    return f"support is {level}; updated are {', '.join(subject.policy.support)}"


def _skip_disabled(subject: _Subject) -> str | None:
    if subject.fields.auto_update is not False:
        return None
    if subject.fields.auto_update_misplaced:
        return "autoUpdateDockerImage: false (under script:, where the platform does not read it)"
    return "autoUpdateDockerImage: false"


def _skip_not_opted_in(subject: _Subject) -> str | None:
    if subject.policy.auto_update != "python-only" or not PYTHON_IMAGES.isdisjoint(subject.names):
        return None
    if subject.fields.auto_update is True and not subject.fields.auto_update_misplaced:
        return None
    return "only demisto/python and demisto/python3 are updated without autoUpdateDockerImage: true"


def _skip_pack(subject: _Subject) -> str | None:
    pattern = matches_any(subject.item.pack, subject.policy.exclude_packs)
    if not pattern:
        return None
    default = " by default" if pattern in EligibilityPolicy().exclude_packs else ""
    return f"policy.exclude_packs names {pattern}{default}"


def _skip_image(subject: _Subject) -> str | None:
    matches = (matches_any(name, subject.policy.exclude_images) for name in subject.names)
    pattern = next(filter(None, matches), None)
    return pattern and f"policy.exclude_images names {pattern}"


def _skip_deprecated_image(subject: _Subject) -> str | None:
    image = subject.policy.deprecated.get(full_name(subject.repository))
    return image.advice if image else None


def _skip_metadata(subject: _Subject) -> str | None:
    # One that is there and cannot be read is a problem, and nothing that was decided.
    there = subject.pack.metadata or subject.pack.files.metadata
    return None if there or not subject.policy.needs_metadata else subject.pack.flaw


def _skip_mutable(subject: _Subject) -> str | None:
    if subject.policy.pin_mutable_tags:
        return None
    if subject.tag is None:
        return "no tag"
    if find_current_tag(subject.tag) is None:
        return f"the tag {subject.tag} can be overwritten"
    return None


def _hidden(subject: _Subject) -> bool:
    return bool(subject.pack.metadata and subject.pack.metadata.hidden)


def _trusted(subject: _Subject) -> str:
    return ", ".join(subject.place.trusted) if subject.place else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


_RULES = (
    _Rule(
        SkipReason.NOT_CONTAINERISED,
        lambda s: f"type is {s.fields.language or 'not given'}",
        lambda s: "type is javascript" if s.fields.language == "javascript" else None,
    ),
    _Rule(
        SkipReason.NO_DOCKER_IMAGE,
        lambda s: f"dockerimage is {s.fields.image.text or s.fields.image.flaw or 'missing or empty'}",
        lambda s: (
            "dockerimage is missing or empty" if not (s.fields.image.text or s.fields.image.flaw) else None
        ),
    ),
    _Rule(
        SkipReason.INVALID_DOCKER_IMAGE,
        lambda s: s.image_flaw or f"{s.fields.image.text} is a well-formed name",
        lambda s: s.image_flaw or None,
    ),
    _Rule(
        SkipReason.UNKNOWN_REGISTRY,
        lambda s: (
            f"registry is {s.place.host}, looked up in {s.place.source}"
            if s.place
            else "registry is not known"
        ),
        lambda s: s.policy.registries.explain_unknown(s.image) if s.image and s.place is None else None,
    ),
    _Rule(
        SkipReason.UNTRUSTED_REPOSITORY,
        lambda s: f"owner is {s.owner}; trusted: {_trusted(s)}",
        lambda s: None if s.place and s.place.is_trusted else f"{s.owner} is not among {_trusted(s)}",
    ),
    _Rule(
        SkipReason.NATIVE_IMAGE,
        lambda s: f"image is {s.repository}",
        lambda s: f"{NATIVE_IMAGE} is built by the platform" if NATIVE_IMAGE in s.names else None,
    ),
    _Rule(
        SkipReason.NO_PACK_METADATA,
        lambda s: (
            s.pack.flaw
            or f"pack {s.item.pack}, version {s.pack.metadata.version if s.pack.metadata else 'not given'}"
        ),
        _skip_metadata,
    ),
    _Rule(
        SkipReason.HIDDEN_PACK,
        lambda s: f"hidden: {_yes(_hidden(s))}",
        lambda s: "the pack is hidden" if _hidden(s) else None,
    ),
    _Rule(
        SkipReason.EXCLUDED_PACK,
        lambda s: f"policy.exclude_packs is {', '.join(s.policy.exclude_packs) or 'empty'}",
        _skip_pack,
    ),
    _Rule(
        SkipReason.DEPRECATED_ITEM,
        lambda s: f"deprecated: {_yes(s.fields.deprecated)}",
        lambda s: "deprecated: true" if s.fields.deprecated else None,
    ),
    _Rule(
        SkipReason.SUPPORT_LEVEL,
        lambda s: f"support is {s.pack.support_level}; updated are {', '.join(s.policy.support) or 'all'}",
        _skip_support,
    ),
    _Rule(
        SkipReason.AUTO_UPDATE_DISABLED,
        lambda s: (
            "autoUpdateDockerImage is "
            + ("not set" if s.fields.auto_update is None else str(s.fields.auto_update).lower())
            + (" (misplaced under script:)" if s.fields.auto_update_misplaced else "")
        ),
        _skip_disabled,
    ),
    _Rule(
        SkipReason.NOT_OPTED_IN,
        lambda s: f"policy.auto_update is {s.policy.auto_update}",
        _skip_not_opted_in,
    ),
    _Rule(
        SkipReason.EXCLUDED_IMAGE,
        lambda s: f"policy.exclude_images is {', '.join(s.policy.exclude_images) or 'empty'}",
        _skip_image,
    ),
    _Rule(
        SkipReason.DEPRECATED_IMAGE,
        lambda s: (
            f"{s.repository} is not among the deprecated images that are skipped"
            if s.policy.deprecated
            else "no list of deprecated images is used"
        ),
        _skip_deprecated_image,
    ),
    _Rule(
        SkipReason.MUTABLE_TAG,
        lambda s: (
            f"tag is {s.tag or 'missing'}; policy.pin_mutable_tags is {_yes(s.policy.pin_mutable_tags)}"
        ),
        _skip_mutable,
    ),
)
