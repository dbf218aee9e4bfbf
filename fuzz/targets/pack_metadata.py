"""A pack's metadata: refused, or the version moves and nothing else changes."""

import json
from typing import Any

from autobump.content.pack import PackMetadataError, next_version, parse_pack_metadata, splice_version
from autobump.content.yaml.splice import UnsafeEditError

SEEDS = (
    b'{\n    "name": "A",\n    "currentVersion": "1.2.99",\n    "support": "xsoar"\n}',
    b'\xef\xbb\xbf{"currentVersion":"0.0.0","hidden":true,"x":{"currentVersion":"9.9.9"},"y":[1e999,-0.0,null]}\r\n',
    b'{"currentVersion": "1.0.\\u0030", "name": "\\ud83d\\ude00 \\ud800"}',
    b'{"currentVersion": "1.0.0", "x": [{"":0},{"":0}], "name": "' + b"n" * 1_001 + b'"}',
    b'{"a": "1.0.0", "a ": "\\"currentVersion\\": \\"1.0.0\\"", "currentVersion": "1.0.0"}',
)


def check(data: bytes) -> None:
    """Check one file."""
    try:
        metadata = parse_pack_metadata(data)
    except PackMetadataError as exc:
        str(exc).encode()
        return
    metadata.name.encode()
    metadata.support.encode()
    version = next_version(metadata.version, {"1_0_1.md"})
    assert [int(part) for part in version.split(".")] != [int(part) for part in metadata.version.split(".")]
    try:
        new = splice_version(data, version)
    except UnsafeEditError:
        return
    old_bytes, new_bytes = f'"{metadata.version}"'.encode(), f'"{version}"'.encode()
    head = len(data) - len(data.removeprefix(_shared_start(data, new)))
    assert len(new) - len(data) == len(new_bytes) - len(old_bytes)
    start = data.rfind(b'"', 0, head) if head else -1
    assert data[start:].startswith(old_bytes)
    assert data[:start] + new_bytes + data[start + len(old_bytes) :] == new
    before, after = _load(data), _load(new)
    assert before.pop("currentVersion") == metadata.version
    assert after.pop("currentVersion") == version
    assert json.dumps(before) == json.dumps(after)


def _shared_start(one: bytes, other: bytes) -> bytes:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[:length]


def _load(data: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data.decode("utf-8-sig"))
    return loaded
