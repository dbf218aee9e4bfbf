"""Splices the bytes of one scalar, and proves that nothing else changed."""

from itertools import zip_longest

from autobump.content.yaml.events import MAX_PURE_BYTES, SyntaxFault, YamlFault, decode_text, read_events
from autobump.content.yaml.outline import Scalar


class UnsafeEditError(Exception):
    """A splice could not be proven to change one value and nothing else."""


def find_value_span(text: str, scalar: Scalar) -> tuple[int, int]:
    """Return where the value of a scalar stands in the text, letter for letter.

    Args:
        text: The file as text, without byte-order mark.
        scalar: The scalar as located in the same text.

    Raises:
        UnsafeEditError: The value does not stand there as one unbroken run, for instance because of escapes.
    """
    written = text[scalar.start : scalar.end]
    if written.count(scalar.value) != 1:
        raise UnsafeEditError("the value is not written out in one piece")
    start = scalar.start + written.index(scalar.value)
    return start, start + len(scalar.value)


def splice_value(data: bytes, scalar: Scalar, new_value: str) -> bytes:
    """Replace one scalar's value and prove that nothing else changed.

    Only bytes inside the value change; the parts that old and new value share at both ends stay as they are.

    Args:
        data: The whole file.
        scalar: The scalar as located in it.
        new_value: Its new value.

    Returns:
        The new file.

    Raises:
        UnsafeEditError: The new text would not parse to the old document but for this one value.
    """
    text, bom = decode_text(data)
    start, end = find_value_span(text, scalar)
    new_data = (bom + text[:start] + new_value + text[end:]).encode()
    try:
        _prove_only_change(data, new_data, scalar, new_value, pure=False)
    except SyntaxFault:
        _prove_with_pure_parser(data, new_data, scalar, new_value)
    return new_data


def _prove_with_pure_parser(old: bytes, new: bytes, scalar: Scalar, new_value: str) -> None:
    try:
        if len(old) > MAX_PURE_BYTES:
            raise UnsafeEditError("the edited file is no valid YAML")
        _prove_only_change(old, new, scalar, new_value, pure=True)
    except YamlFault as exc:
        raise UnsafeEditError(f"the edited file is no valid YAML: {exc.detail}") from exc


def _prove_only_change(old: bytes, new: bytes, scalar: Scalar, new_value: str, *, pure: bool) -> None:
    from ruamel.yaml.events import AliasEvent, ScalarEvent

    changed = False
    for before, after in zip_longest(read_events(old, pure=pure), read_events(new, pure=pure)):
        if before is None or after is None or type(before) is not type(after):
            raise UnsafeEditError("the edited file has another structure")
        anchor = getattr(before, "anchor", None)
        if type(before) is AliasEvent and scalar.anchor is not None and anchor == scalar.anchor:
            raise UnsafeEditError("an alias elsewhere in the file refers to this value")
        if type(before) is ScalarEvent and before.start_mark.index == scalar.start and not changed:
            changed = True
            if before.value != scalar.value or after.value != new_value or before.style != after.style:
                raise UnsafeEditError("the edited value does not read back as written")
        elif getattr(before, "value", None) != getattr(after, "value", None):
            raise UnsafeEditError("another value of the file would change")
        if anchor != getattr(after, "anchor", None) or _tag(before) != _tag(after):
            raise UnsafeEditError("an anchor or a tag of the file would change")
    if not changed:
        raise UnsafeEditError("the value was not found again")


def _tag(event: object) -> tuple[object, object]:
    return getattr(event, "tag", None), getattr(event, "implicit", None)
