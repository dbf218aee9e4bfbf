"""Says what a YAML text holds in another way than the code under test does."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

Event = tuple[str, Any, Any, Any, Any]


def read_events(data: bytes) -> list[Event]:
    """Return kind, value, anchor, tag and implicitness of every event; the C parser first, then the pure one."""
    text = data.removeprefix("\ufeff".encode())
    try:
        return _events(text, pure=False)
    except YAMLError:
        return _events(text, pure=True)


def require_one_change(old: bytes, new: bytes, old_value: str, new_value: str) -> None:
    """Check that both texts say the same but for one value, and are the same bytes around it."""
    before, after = read_events(old), read_events(new)
    assert len(before) == len(after), "the structure changed"
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert len(changed) == (old_value != new_value), f"{len(changed)} values changed"
    for one, other in changed:
        assert (one[1], other[1]) == (old_value, new_value)
        assert one[0] == other[0] == "ScalarEvent"
        assert one[2:] == other[2:]
    written, wanted = old_value.encode(), new_value.encode()
    position = old.find(written)
    while position >= 0:
        if old[:position] + wanted + old[position + len(written) :] == new:
            return
        position = old.find(written, position + 1)
    raise AssertionError("bytes outside the value changed")


def _events(data: bytes, *, pure: bool) -> list[Event]:
    return [
        (
            type(event).__name__,
            getattr(event, "value", None),
            getattr(event, "anchor", None),
            getattr(event, "tag", None),
            getattr(event, "implicit", None),
        )
        for event in YAML(typ="safe", pure=pure).parse(data)
    ]
