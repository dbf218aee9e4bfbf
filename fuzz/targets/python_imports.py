"""A Python file: whatever it holds, imports come out that are names, and those of valid code are its own."""

import ast
import re
import warnings

from autobump.content.imports import find_imports

_MODULE = re.compile(r"\w+(?:\.\w+)*")

SEEDS = (
    b"import os, sys as s\nfrom a.b import (c, d as e)\ntry:\n    import x\nexcept ImportError:\n    x = None\n",
    b"print 'two'\nimport urllib2; import json\nfrom . import y\nif 1: from z import *\n",
    b"'''\nimport no\n'''\nx = [\nimport yes\n# import no\n\\\n  import also\n",
    b"from a import b" + b" " * 200 + b"c\nprint 1\n",
    "import s, n\u035d".encode(),
    b"print 1\n" + b" " * 40 + b"a" + b";" * 40 + b"import b;import c\n",
    b"x = '''"
    + b"a" * 70_000
    + b"\\'''\nimport no'''\nprint 1\nfrom a import "
    + b"b, " * 30_000
    + b"\nimport d\n",
    b"try : import q\nexcept:\n  pass\nimport a . b . c\nf'{x!r:{y}}'\n\x00",
)


def _is_dotted_name(text: str) -> bool:
    """Whether Python takes it for a name; some of its letters are none to regular expressions."""
    return all(part.isidentifier() for part in text.split("."))


def check(data: bytes) -> None:
    """Check one file."""
    source = data.decode("utf-8-sig", "replace")
    found = find_imports(source)
    assert list(found) == sorted(found)
    assert all(_MODULE.fullmatch(one.module) or _is_dotted_name(one.module) for one in found)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert named <= {one.module for one in found}
