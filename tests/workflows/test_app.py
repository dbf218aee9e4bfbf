"""The manifest of a GitHub App, and what is told of its permissions elsewhere."""

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.browser import fill_in

PROJECT = Path(__file__).resolve().parents[2]
PATH = PROJECT / "config" / "github-app.html"
PAGE = PATH.read_text()
WORKFLOW = (PROJECT / "autobump" / "settings" / "starter" / "workflow.yml").read_text()
KEYS = {"name", "url", "description", "public", "redirect_url", "default_events", "default_permissions"}
"""Those of the manifest's description in GitHub's documentation that are used."""


def read_manifest() -> dict[str, object]:
    (text,) = re.findall(r'<textarea name="manifest"[^>]*>(.*?)</textarea>', PAGE, flags=re.DOTALL)
    manifest: dict[str, object] = json.loads(text)
    return manifest


def test_manifest_asks_for_what_the_workflow_gives_its_own_token() -> None:
    given = dict(re.findall(r"^      ([a-z-]+): (write|read)\b", WORKFLOW, flags=re.MULTILINE))
    assert given
    asked = {name.replace("-", "_"): access for name, access in given.items()}
    assert read_manifest()["default_permissions"] == asked


def test_manifest_has_known_keys_and_the_required_one() -> None:
    manifest = read_manifest()
    assert manifest.keys() == KEYS
    assert str(manifest["url"]).startswith("https://")
    assert manifest["public"] is False


@pytest.mark.parametrize(
    ("owner", "address"),
    [
        ("person", "https://github.com/settings/apps/new"),
        ("organization", "https://github.com/organizations/acme/settings/apps/new"),
    ],
)
def test_form_sends_the_manifest_to_github(owner: str, address: str, tmp_path: Path) -> None:
    sent = fill_in(PATH, tmp_path, "acme/content", owner)
    assert sent["url"] == address
    manifest = json.loads(sent["manifest"])
    assert (manifest["name"], manifest["url"]) == ("autobump for acme", "https://github.com/acme/content")
    assert manifest["default_permissions"] == read_manifest()["default_permissions"]


def test_names_of_id_and_key_are_those_of_the_workflow() -> None:
    steps = (PROJECT / "docs" / "actions.md").read_text().partition("### Create the App")[2]
    for name in re.findall(r"(?:vars|secrets)\.(AUTOBUMP_\w+)", WORKFLOW):
        assert f"`{name}`" in steps
