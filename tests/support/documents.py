"""Reads the Markdown pages of the project as GitHub shows them."""

import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(
    path.relative_to(ROOT).as_posix()
    for folder in (ROOT, ROOT / ".github", ROOT / "docs")
    for path in sorted(folder.glob("*.md"))
)
"""Every page, by its path."""

_MARKDOWN = MarkdownIt("commonmark").enable("table")


class Page:
    """One page, taken apart."""

    def __init__(self, path: str) -> None:
        """Read a page, by its path from the root of the project."""
        self.path = ROOT / path
        self.text = self.path.read_text("utf-8")
        self.tokens = _MARKDOWN.parse(self.text)

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading of it may name after `#`.

        Source: "Section links" in GitHub's documentation of basic formatting.
        """
        return {
            re.sub(r"[^\w -]", "", _plain(heading)).strip().lower().replace(" ", "-")
            for heading in self._inline_after("heading_open")
        }

    @property
    def links(self) -> list[str]:
        """Every address that it links to."""
        return [str(token.attrs["href"]) for token in self._children() if token.type == "link_open"]

    @property
    def code(self) -> list[str]:
        """Every piece of code inside a sentence."""
        return [token.content for token in self._children() if token.type == "code_inline"]

    def blocks(self, *languages: str) -> list[str]:
        """Return the blocks of code in these languages; indented ones have the language of no name."""
        return [
            token.content
            for token in self.tokens
            if token.type in ("fence", "code_block") and token.info.strip() in languages
        ]

    def rows(self, heading: str = "") -> list[list[str]]:
        """Return the rows of the tables below a heading, or of all; without the row of headings."""
        found: list[list[str]] = []
        here = not heading
        for number, token in enumerate(self.tokens):
            if token.type == "heading_open" and heading:
                here = _plain(self.tokens[number + 1]) == heading
            elif token.type == "tr_open":
                found.append([])
            elif token.type == "th_open":
                found[-1] = []
            elif token.type == "td_open" and here:
                found[-1].append(self.tokens[number + 1].content)
        return [row for row in found if row]

    def names(self, heading: str = "") -> list[str]:
        """Return the code in the first column of the tables below a heading, or of all."""
        return [name for row in self.rows(heading) for name in re.findall(r"`([^`]+)`", row[0])]

    def _inline_after(self, kind: str) -> Iterator[Token]:
        for number, token in enumerate(self.tokens):
            if token.type == kind:
                yield self.tokens[number + 1]

    def _children(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or ()


def _plain(inline: Token) -> str:
    return "".join(token.content for token in inline.children or () if token.type in ("text", "code_inline"))
