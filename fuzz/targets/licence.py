"""A licence: never an error, and more conditions never make it more welcome."""

from autobump.images.inside.licences import LicenceKind, classify_licence

_ORDER = list(LicenceKind)

SEEDS = (
    b"MIT License",
    b"GPL-2.0-or-later OR MIT",
    b"LGPLv3+ and Apache-2.0",
    b"Library or Lesser GPL / BSD",
)


def check(data: bytes) -> None:
    """Check one text."""
    text = data.decode("utf-8", "replace")
    kind = classify_licence(text)
    both = classify_licence(f"{text} and AGPL-3.0-only")
    assert _ORDER.index(both) >= _ORDER.index(LicenceKind.STRONG_COPYLEFT)
    assert _ORDER.index(both) >= _ORDER.index(kind) or kind is LicenceKind.UNKNOWN
