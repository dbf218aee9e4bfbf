"""Text from outside in Markdown: nothing of it leaves its code span, alone, in a list or in a table."""

from markdown_it import MarkdownIt
from markdown_it.token import Token

from autobump.support.markdown import MAX_INLINE, code, table

_READER = MarkdownIt("commonmark", {"html": True}).enable("table")

SEEDS = (
    b"plain @person #1 <b>x</b> [a](b)",
    b"``` a ` b `` \\` \\| | \\\\|",
    b"`",
    b"\n\n# h\n- a\n| b |\n\x00\xe2\x80\xae<!-- -->",
    b"<https://x> ![a](b) &lt; ***a*** ~~b~~ http://a.b",
)


def check(data: bytes) -> None:
    """Check one text."""
    text = data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace") if _decodes(data) else ""
    shown = code(text)
    shown.encode()
    assert "\n" not in shown
    for document in (shown, f"- {shown}: {shown}", f"**a** {shown} b"):
        _check_spans(document, shown)
    cells = table(("A", "B"), [(shown, "b"), ("a", shown)])
    tokens = _READER.parse(cells)
    assert sum(token.type == "td_open" for token in tokens) == 4
    _check_spans(cells, shown)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace")
    except UnicodeDecodeError:
        return False
    return True


def _check_spans(document: str, shown: str) -> None:
    inline: list[Token] = []
    for token in _READER.parse(document):
        assert token.type not in ("html_block", "fence", "code_block", "heading_open")
        inline += token.children or []
    kinds = {token.type for token in inline}
    assert kinds <= {"text", "code_inline", "strong_open", "strong_close"}, kinds
    spans = [token.content for token in inline if token.type == "code_inline"]
    if shown == "-":
        assert spans == []
    else:
        assert len(set(spans)) == 1
        assert len(spans[0]) <= MAX_INLINE
        assert not any(token.content.strip(" :abAB") for token in inline if token.type == "text")
