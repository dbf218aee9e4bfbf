"""The hidden marker: what a pull request was made of, written where only autobump looks."""

import hashlib
import json
import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import asdict, replace

from autobump.support.markdown import count

_MARKER = re.compile(r"<!-- autobump:v1 (\{.*?\}) -->")
_TRAILER_KEY = "Autobump"
_TRAILER = re.compile(rf"^{_TRAILER_KEY}: (\{{.*\}})$", re.MULTILINE)
_TREE_KEY = "Autobump-Tree"
_TREE = re.compile(rf"^{_TREE_KEY}: ([0-9a-f]{{40,64}})$", re.MULTILINE)

LIFTED = "lifted by a person"
"""Says as `closed` that a person wants back what closing it kept out."""

ITEM_DIGITS = 8
"""Length of what `hash_item` returns."""


class MarkerImage(Struct, frozen=True):
    """What a pull request was made of, for one of its images.

    Attributes:
        image: `namespace/name`.
        target: The tag it moves to.
        digest: Manifest digest behind the tag when the pull request was made, or empty.
        packs: Folder names of the packs of its items, sorted.
        paths: Paths of its items, sorted; none when the marker names none.
    """

    image: str
    target: str
    digest: str
    packs: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        """Image and target as a file names them."""
        return f"{self.image}:{self.target}"


class Marker(Struct, frozen=True):
    """What a pull request was made of.

    Attributes:
        image: `namespace/name` of the image with most items.
        target: The tag it moves to.
        digest: Manifest digest behind the tag when the pull request was made, or empty.
        packs: Folder names of its packs, sorted.
        paths: Paths of its items, sorted.
        batch: Each of its images, that with most items first; none where there is only one. Ask `images`.
        blobs: How the blob of each of these items began, in the order of `paths`; no longer written.
        base: Hash of the files it was built on, see `hash_base`.
        head: The commit it describes; empty where the commit itself carries the marker.
        branch: Its branch.
        wave: The wave of its bumps, see `Bump`.
        lane: The risk group of its bumps, see `Bump`; a marker keeps the names it was made with.
        risk: The worst level of its items that its text tells of; empty while some are not known.
        closed: Why its end keeps nothing out: autobump closed it itself, or a person lifted what closing it
            meant. Empty otherwise, and void once it is open again or merged.
        items: What its items are, see `hash_item`, in any order.
        evidence: Names what its text says of evidence; empty where nothing was run.
        advisories: Names what its text says of known vulnerabilities; empty where they are not known.
        part: Its number in the title and how many there are, as `2/3`; empty where it has none.
    """

    image: str
    target: str
    digest: str
    packs: tuple[str, ...]
    paths: tuple[str, ...]
    base: str
    head: str = ""
    branch: str = ""
    wave: str = ""
    lane: str = ""
    risk: str = ""
    closed: str = ""
    blobs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    evidence: str = ""
    advisories: str = ""
    batch: tuple[MarkerImage, ...] = ()
    part: str = ""

    @property
    def images(self) -> tuple[MarkerImage, ...]:
        """Its images, that with most items first; at least one."""
        return self.batch or (MarkerImage(self.image, self.target, self.digest, self.packs, self.paths),)

    @property
    def update(self) -> str:
        """What it updates, for a title."""
        return describe_update((image.image, image.target) for image in self.images)

    @property
    def knows_digests(self) -> bool:
        """Whether the digest of each of its targets is known."""
        return all(image.digest for image in self.images)

    def without_paths(self) -> "Marker":
        """Return the marker without the paths of its items, which do not always fit."""
        batch = tuple(replace(image, paths=()) for image in self.batch)
        return replace(self, paths=(), batch=batch)

    def at(self, head: str) -> "Marker":
        """Return the marker for a commit."""
        return replace(self, head=head)


_FIELDS = Marker.__struct_fields__
_WRITTEN_IF_ANY = ("blobs", "batch", "evidence", "advisories", "part")


def describe_update(images: Iterable[tuple[str, str]]) -> str:
    """Say what a pull request with these images and targets updates, for a title."""
    named = list(images)
    if len(named) == 1:
        ((image, target),) = named
        return f"Update {image} to {target}"
    return f"Update {count(len(named), 'image')}"


def hash_base(files: Iterable[tuple[str, str]]) -> str:
    """Return a hash over paths and blob names, in any order; changes when any of the files does."""
    text = json.dumps(sorted(files)).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def hash_item(path: str, image: str, code: str) -> str:
    """Return what tells an item from another and from itself with other code.

    Args:
        path: Of its YAML file.
        image: Its image as written.
        code: A name of its code.
    """
    return hashlib.sha256(json.dumps([path, image, code]).encode()).hexdigest()[:ITEM_DIGITS]


def render_marker(marker: Marker) -> str:
    """Write the marker as an HTML comment for a body."""
    return f"<!-- autobump:v1 {_to_json(marker)} -->"


def find_marker(body: str) -> Marker | None:
    """Return the last marker in a body, or None when there is none that can be read."""
    return _last(_MARKER.findall(body))


def replace_marker(body: str, marker: Marker) -> str:
    """Return the body with its last marker replaced, or with one added."""
    found = list(_MARKER.finditer(body))
    if not found:
        return f"{body}\n\n{render_marker(marker)}\n"
    return body[: found[-1].start()] + render_marker(marker) + body[found[-1].end() :]


def hide_marker(body: str) -> str:
    """Return the body as GitHub shows it: without the marker, which is a comment."""
    return _MARKER.sub("", body).rstrip()


def render_trailer(marker: Marker) -> str:
    """Write the marker as the trailer of a commit message."""
    return f"{_TRAILER_KEY}: {_to_json(marker)}"


def find_trailer(message: str) -> Marker | None:
    """Return the marker a commit message carries, or None."""
    return _last(_TRAILER.findall(message))


def render_tree(tree: str) -> str:
    """Write the name of a commit's tree as a trailer of its message.

    A person who amends or rebases the commit changes its tree and not, as a rule, its author and message.
    """
    return f"{_TREE_KEY}: {tree}"


def find_tree(message: str) -> str:
    """Return the tree that a commit message speaks of, or nothing."""
    found: list[str] = _TREE.findall(message)
    return found[-1] if found else ""


def _to_json(marker: Marker) -> str:
    said = {
        name: getattr(marker, name)
        for name in _FIELDS
        if name not in _WRITTEN_IF_ANY or getattr(marker, name)
    }
    text = json.dumps(said, separators=(",", ":"), sort_keys=True, default=asdict)
    # Nothing in it may end the comment early: the escapes are plain JSON and read back as they were.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")


def _last(found: list[str]) -> Marker | None:
    for text in reversed(found):
        try:
            return _parse(json.loads(text))
        except (ValueError, RecursionError):
            continue
    return None


def _parse(fields: object) -> Marker:
    if not isinstance(fields, dict):
        raise ValueError("no object")
    return Marker(
        image=_text(fields, "image"),
        target=_text(fields, "target"),
        digest=_text(fields, "digest"),
        packs=_texts(fields, "packs"),
        paths=_texts(fields, "paths"),
        base=_text(fields, "base"),
        head=_text(fields, "head"),
        branch=_text(fields, "branch"),
        wave=_text(fields, "wave"),
        lane=_text(fields, "lane"),
        risk=_text(fields, "risk"),
        closed=_text(fields, "closed"),
        blobs=_texts(fields, "blobs") if "blobs" in fields else (),
        items=_texts(fields, "items") if "items" in fields else (),
        evidence=_text(fields, "evidence"),
        advisories=_text(fields, "advisories"),
        batch=_images(fields.get("batch", [])),
        part=_text(fields, "part"),
    )


def _images(values: object) -> tuple[MarkerImage, ...]:
    if not isinstance(values, list):
        raise ValueError("batch is no list")
    images: list[MarkerImage] = []
    for value in values:
        if not isinstance(value, dict):
            raise ValueError("batch holds something else than objects")
        said = {name: _text(value, name) for name in ("image", "target", "digest")}
        images.append(MarkerImage(**said, packs=_texts(value, "packs"), paths=_texts(value, "paths")))
    return tuple(images)


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _texts(fields: dict[str, object], name: str) -> tuple[str, ...]:
    values = fields.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} is no list of texts")
    return tuple(values)
