"""An item's file: refused, or the image is replaced and nothing else changes. The first byte tells the kind."""

from msgspec.structs import replace

from autobump.content.item import ItemKind, parse_item, replace_image
from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.splice import UnsafeEditError
from fuzz.yaml_oracle import require_one_change

NEW = "demisto/python3:3.12.13.12042988"

_OLD = b"demisto/python3:3.9.8.24399"
SEEDS = (
    b"Sname: a\ntype: python\nscript: '-'\ndockerimage: " + _OLD + b"\n",
    b"Idisplay: A b\nscript:\n  type: python\n  dockerimage: '" + _OLD + b"' # why\n  script: |-\n    x: 1\n",
    b'S{"name": "a", "dockerimage": "' + _OLD + b'"}',
    b"Sname: &n a\r\ndockerimage: >-\r\n  " + _OLD + b"\r\nother: *n\r\n",
    b"S\xef\xbb\xbf%YAML 1.2\n---\n? dockerimage\n: !!str &x " + _OLD + b"\n...\n",
    b"S%TAG !a! tag:x,\n%TAG !b! tag:y,\n---\ndockerimage: !a!b " + _OLD + b"\n",
    b"Sname: " + b"a:" * 1_000 + b"b # c\ndockerimage: " + _OLD + b"\nx: {a:b: c}\n",
    b"Icommonfields: {id: a, version: -1}\nscript:\n- a\n-\n  dockerimage: " + _OLD + b"\n",
    b'Sdockerimage: "demisto\\x2fpython3:1.2"\nname: "a\\\n  b"\nautoUpdateDockerImage: no\n',
)


def check(data: bytes) -> None:
    """Check one file."""
    kind = ItemKind.INTEGRATION if data[:1] == b"I" else ItemKind.SCRIPT
    data = data[1:]
    try:
        facts = parse_item(data, kind)
    except YamlFault as exc:
        assert exc.line >= 1
        assert exc.column >= 1
        return
    image = facts.image
    if not image.text or image.flaw or image.unsafe:
        return
    try:
        new = replace_image(data, kind, image, NEW)
    except UnsafeEditError:
        return
    require_one_change(data, new, image.text, NEW)
    again = parse_item(new, kind)
    assert again.image.text == NEW
    assert replace(again, image=image) == facts
