"""Which images are deprecated, why, and what takes their place."""

import json
import re

from msgspec import Struct

_REPLACEMENT = re.compile(r"\bUse (?:the )?(?:([a-z0-9-]+)/)?([a-z0-9][a-z0-9._-]*)")


class DeprecatedImage(Struct, frozen=True):
    """One deprecated image.

    Attributes:
        repository: `namespace/name`.
        reason: As published.
        replacement: `namespace/name` of the image that the reason says to use, or empty.
    """

    repository: str
    reason: str
    replacement: str

    @property
    def advice(self) -> str:
        """What to do about it, in one line."""
        if self.replacement:
            return f"{self.repository} is deprecated; use {self.replacement} instead"
        return f"{self.repository} is deprecated: {' '.join(self.reason.split())}"


def parse_deprecated_images(text: str) -> dict[str, DeprecatedImage]:
    """Read the published list; an entry that cannot be read is left out.

    Args:
        text: JSON, `[{"image_name": "demisto/x", "reason": "…"}, …]`.

    Raises:
        ValueError: The text is no such list.

    Source: docker/deprecated_images.json of demisto/dockerfiles.
    """
    try:
        entries = json.loads(text)
    except RecursionError as exc:
        raise ValueError("it is nested too deep") from exc
    if not isinstance(entries, list):
        raise ValueError("it holds no list")
    found: dict[str, DeprecatedImage] = {}
    for entry in entries:
        match entry:
            case {"image_name": str(name), "reason": str(reason)}:
                found[name] = DeprecatedImage(name, reason.strip(), _find_replacement(name, reason))
            case _:
                continue
    return found


def _find_replacement(name: str, reason: str) -> str:
    match = _REPLACEMENT.search(reason)
    if match is None:
        return ""
    return f"{match[1] or name.partition('/')[0]}/{match[2].rstrip('.')}"
