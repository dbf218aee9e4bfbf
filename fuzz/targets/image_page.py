"""A published page of an image: whatever it holds, facts come out that can be kept and read back."""

import json

from autobump.images.inside.facts import facts_from_record, facts_to_record
from autobump.images.inside.page import parse_page

SEEDS = (
    b"# `demisto/x:1.0.0.1`\n## Docker Metadata\n- Image Size: `29.14 MB`\n- Created: `2022-01-17T10:00:00.1Z`\n"
    b'  - `PYTHON_VERSION=3.10.1`\n  - `PRETTY_NAME="Alpine"`\n## `Python Packages`\n'
    b"### `requests`\n* Version: 2.0\n* License :: OSI Approved :: MIT License\n",
    b"# `demisto/x:2`\n## Docker Trust\n2 " + b"a" * 64 + b" (x)\n## image is deprecated\n",
    b"  - `DEPRECATED_REASON=use y`\r\n## `Docker Metadata`\r\n- Image Size: 9999999.9999 MB\r\n",
    b"## Docker Metadata\n##" + b" " * 90 + b"a`b\n* License: " + b"OSI Approved ::" * 9,
)


def check(data: bytes) -> None:
    """Check one page."""
    facts = parse_page(data.decode("utf-8", "replace"))
    record = json.loads(json.dumps(facts_to_record(facts)))
    again = facts_from_record(record)
    assert again.packages == facts.packages
    assert (again.created, again.digest, again.python) == (facts.created, facts.digest, facts.python)
    assert (again.system, again.deprecated) == (facts.system, facts.deprecated)
    assert facts_from_record(json.loads(json.dumps(facts_to_record(again)))) == again
