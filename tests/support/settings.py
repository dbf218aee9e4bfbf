"""The commented sample of the settings, and what its comments show."""

import re
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "autobump.yml"
PROFILES = SAMPLE.parent / "profiles"

_EXAMPLE = re.compile(r"((?:  #   [- ] .*\n)+)  (\w+): \[\]\n")


def uncomment_examples() -> str:
    """Return the sample with every commented example in force, and what these need beside them."""
    text = SAMPLE.read_text()
    text, count = _EXAMPLE.subn(lambda match: f"  {match[2]}:\n{match[1].replace('  #   ', '    ')}", text)
    assert count == 2
    for key, value in (("coverage_report", "coverage.json"), ("nightly_packs", "Tests/conf.json")):
        assert f"  {key}: null\n" in text
        text = text.replace(f"  {key}: null\n", f"  {key}: {value}\n")
    return text
