"""The reference of the settings is what their model gives; `make golden` writes it."""

from tests.fixtures.documents import ROOT
from tests.fixtures.golden import check_text
from tests.fixtures.settings_page import render_settings_page


def test_reference_of_the_settings_is_what_their_model_gives() -> None:
    check_text(ROOT / "docs" / "settings.md", render_settings_page())
