"""Builds bumps for tests of planning and pull requests."""

from autobump.content.item import ContentItem, DockerImageField, ItemFacts, ItemFile, ItemKind
from autobump.content.pack import Pack, PackFiles, PackMetadata
from autobump.content.tree import TreeEntry
from autobump.images.choice import Release
from autobump.images.reference import find_current_tag, find_immutable_tag, parse_image_ref
from autobump.planning.plan import Bump


def make_bump(
    pack: str,
    name: str,
    *,
    image: str = "demisto/python3",
    current: str = "1.0.0.1",
    target: str = "1.0.0.9",
    digest: str | None = None,
    blob: str = "a",
    version: str = "1.0.0",
    kind: ItemKind = ItemKind.SCRIPT,
) -> Bump:
    """Return the bump of one item in one pack."""
    path = f"Packs/{pack}/Scripts/{name}/{name}.yml"
    text = f"{image}:{current}" if current else image
    facts = ItemFacts(name, name, "python", "python3", False, None, False, "", DockerImageField(text))
    item = ContentItem(ItemFile(path, pack, kind, blob * 40, "100644"), facts)
    files = PackFiles(pack, TreeEntry(f"Packs/{pack}/pack_metadata.json", "100644", "f" * 40))
    tag = find_immutable_tag(target)
    assert tag is not None
    return Bump(
        item,
        Pack(files, PackMetadata(pack, version, "xsoar", hidden=False)),
        parse_image_ref(text),
        find_current_tag(current) if current else None,
        Release(tag, None, digest),
    )


def make_bumps(
    pack: str, count: int, *, image: str = "demisto/python3", target: str = "1.0.0.9"
) -> list[Bump]:
    """Return the bumps of several items of one pack."""
    return [make_bump(pack, f"Item{number:03}", image=image, target=target) for number in range(count)]
