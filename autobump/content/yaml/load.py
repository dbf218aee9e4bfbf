"""Loads a small file that people write, such as the settings, with the place of every key and element."""

import warnings
from typing import Any

from autobump.content.yaml.events import HALF_OF_A_CHARACTER, YamlFault, fault_at
from autobump.content.yaml.words import explain_fault

_MAX_DEPTH = 100
_MAX_PLACES = 10_000
"""Most keys and elements of a file that is loaded; settings have a few dozen."""


def load_with_places(text: str) -> tuple[Any, dict[tuple[str | int, ...], tuple[int, int]]]:
    """Load a small file with the place of every key and element.

    Returns:
        The data, and `{path: (line, column)}`, both from 1. A mapping's entry is found at its key. Keys and
        dates are text.

    Raises:
        YamlFault: The text is no valid YAML, a key stands twice, or it says more than plain data.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor that stands twice: the later one counts
            root = yaml.compose(text)
    except YAMLError as exc:
        raise explain_fault(text, exc) from exc
    except RecursionError as exc:
        raise YamlFault("invalid-yaml", "nested too deep", 1, 1) from exc
    except Exception as exc:  # such as its assertion on a version of YAML that it does not know
        raise YamlFault("invalid-yaml", f"the parser gives up: {exc}", 1, 1) from exc
    places: dict[tuple[str | int, ...], tuple[int, int]] = {}

    def build(node: Any, path: tuple[str | int, ...]) -> Any:
        # An alias is the node it stands for, which may be large or lie inside itself.
        if len(path) > _MAX_DEPTH or len(places) > _MAX_PLACES:
            raise fault_at(node, "nested too deep or too large")
        kind = node.tag.rpartition(":")[2]
        if node.id == "scalar" and HALF_OF_A_CHARACTER.search(node.value):
            raise fault_at(node, "an escape stands for half of a character; write the character itself")
        match node.id, kind:
            case "mapping", "map":
                return build_mapping(node, path)
            case "sequence", "seq":
                return [build_at(each, each, (*path, index)) for index, each in enumerate(node.value)]
            case "scalar", "timestamp" | "value":
                return node.value
            case "scalar", "null" | "bool" | "int" | "float" | "str":
                pass
            case _:
                raise fault_at(node, f"{node.tag} is no plain data")
        try:
            return yaml.constructor.construct_object(node)
        except (ValueError, KeyError) as exc:
            raise fault_at(node, f"{node.value[:60]} is no {kind}") from exc

    def build_mapping(node: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise fault_at(key, "a key must be text")
            if key.value in mapping:
                raise fault_at(key, f'the key "{key.value}" stands twice')
            mapping[key.value] = build_at(key, value, (*path, key.value))
        return mapping

    def build_at(marked: Any, node: Any, path: tuple[str | int, ...]) -> Any:
        places[path] = (marked.start_mark.line + 1, marked.start_mark.column + 1)
        return build(node, path)

    return (None if root is None else build(root, ())), places


def load_plain(data: bytes) -> Any:
    """Load a file of content as plain data; what is no YAML, or no plain data, is None.

    Aliases share what they stand for, so a small file stays small in memory.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=False)
    yaml.allow_duplicate_keys = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return yaml.load(data)
    except Exception:  # the parser has many ways to say no, and the item is refused elsewhere
        return None
