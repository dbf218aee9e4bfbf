"""Writes the release note of a pack."""

from collections.abc import Iterable

from autobump.content.item import ItemKind

_HEADERS = ((ItemKind.INTEGRATION, "Integrations"), (ItemKind.SCRIPT, "Scripts"))


def render_release_notes(entries: Iterable[tuple[ItemKind, str, str]]) -> str:
    """Write the release notes of one pack's version.

    Args:
        entries: Kind, human name and new image of each item, any order; the same entry is written once.

    Returns:
        The file's text: integrations before scripts, items by name, LF line ends.

    Source: template and wording checked by RN103, RN107, RN111, RN114 and RN115 of demisto-sdk 1.39.
    """
    wanted = set(entries)
    parts: list[str] = []
    for kind, header in _HEADERS:
        named = sorted((name, image) for entry_kind, name, image in wanted if entry_kind is kind)
        if named:
            parts.append(f"#### {header}")
        for name, image in named:
            parts += [f"##### {name}", f"- Updated the Docker image to: *{image}*."]
    return "\n" + "\n\n".join(parts) + "\n"
