"""Says what is wrong with a file that people write in their words, not in those of the parser."""

import re
from typing import Any

from autobump.content.yaml.events import YamlFault, fault_from

_BRACKETS = {
    "FlowSequenceStartToken": "[",
    "FlowMappingStartToken": "{",
    "FlowSequenceEndToken": "]",
    "FlowMappingEndToken": "}",
}
_PAIRS = {"]": "[", "}": "{"}
_NAMES = {"[": "bracket", "{": "brace"}
_NO_START = re.compile(r"found character '(.+)' that cannot start any token")


def explain_fault(text: str, exc: Exception) -> YamlFault:
    """Return what a parser found wrong in a text: what is open and where it began, or what stands wrong."""
    fault = fault_from(exc)
    context, problem = str(getattr(exc, "context", None) or ""), fault.detail
    begun = getattr(exc, "context_mark", None)
    if "flow" in context and (opened := _find_open_bracket(text)) is not None:
        bracket, mark = opened
        detail = f"a {_NAMES[bracket]} that opens in line {mark.line + 1} is never closed"
        return YamlFault(fault.reason, detail, mark.line + 1, mark.column + 1)
    if "quoted scalar" in context and "end of stream" in problem and begun is not None:
        detail = f"a quotation mark that opens in line {begun.line + 1} is never closed"
        return YamlFault(fault.reason, detail, begun.line + 1, begun.column + 1)
    return YamlFault(fault.reason, _say(context, problem, begun), fault.line, fault.column)


def _say(context: str, problem: str, begun: Any) -> str:
    since = f", which begins in line {begun.line + 1}" if begun is not None else ""
    if context.startswith(("while parsing a flow sequence", "while parsing a flow mapping")):
        what = "list" if "sequence" in context else "mapping"
        return f"a comma is missing in the {what}{since}"
    if "while parsing a block mapping" in context or "while parsing a block collection" in context:
        what = "mapping" if "mapping" in context else "list"
        begins = f" that begins in line {begun.line + 1}" if begun is not None else ""
        return f"the indentation fits no line above, in the {what}{begins}"
    if problem == "mapping values are not allowed here":
        return "a colon cannot stand here; indent the line like its neighbours, or put the text in quotes"
    if "while scanning a simple key" in context:
        return "a key without its colon; write key: value"
    if match := _NO_START.search(problem):
        if match[1] in ("\t", "\\t"):
            return "a tab cannot indent; use spaces"
        return f"a text cannot begin with {match[1]}; put it in quotes"
    if context in ("while scanning an alias", "while scanning an anchor") or "undefined alias" in problem:
        return "a text that begins with * or & names another place; put it in quotes"
    if problem.startswith("expected the node content, but found ") and problem[-2:-1] in _PAIRS:
        return f"{problem[-2:-1]} closes what was never opened"
    if "found another document" in problem:
        return "a second document begins; a settings file is one"
    return problem


def _find_open_bracket(text: str) -> tuple[str, Any] | None:
    """Return the bracket that is never closed, and where it stands, or None if all are."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    opened: list[tuple[str, Any]] = []
    try:
        for token in YAML(typ="safe", pure=True).scan(text):
            bracket = _BRACKETS.get(type(token).__name__)
            if bracket is None:
                continue
            if bracket in _NAMES:
                opened.append((bracket, token.start_mark))
            elif opened and opened[-1][0] == _PAIRS[bracket]:
                opened.pop()
            else:
                break
    except YAMLError:
        pass
    return opened[-1] if opened else None
