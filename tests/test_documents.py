"""What the documents say is there, is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md")


def named_tests(document: str) -> set[str]:
    """Return every path below `tests` that a document names."""
    return set(re.findall(r"(?<![\w/])tests(?:/[\w.-]+)+", (ROOT / document).read_text()))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    named = named_tests(document)
    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize(
    ("document", "heading"),
    [
        ("README.md", "What happens when…"),
        (".github/SECURITY.md", "What each secret may do"),
        (".github/SECURITY.md", "What somebody can reach at most"),
    ],
)
def test_every_claim_of_a_table_names_what_shows_it(document: str, heading: str) -> None:
    section = (ROOT / document).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.split("\n") if row.startswith("| ") and not row.startswith("| ---")]
    claims = [row for row in rows if f"{row}\n| ---" not in section]
    assert len(claims) > 5
    assert [row for row in claims if "`tests/" not in row.split("|")[-2]] == []
