from autobump.content.item import ItemKind
from autobump.pull_requests.release_notes import render_release_notes


def test_one_integration_reads_as_the_validators_want_it() -> None:
    image = "demisto/python3:3.10.1.25933"
    assert render_release_notes([(ItemKind.INTEGRATION, "Bluecat Address Manager", image)]) == (
        "\n#### Integrations\n\n##### Bluecat Address Manager\n\n"
        "- Updated the Docker image to: *demisto/python3:3.10.1.25933*.\n"
    )


def test_integrations_come_before_scripts_and_items_by_name() -> None:
    text = render_release_notes(
        [
            (ItemKind.SCRIPT, "b", "demisto/x:1.2.3"),
            (ItemKind.INTEGRATION, "Z", "demisto/x:1.2.3"),
            (ItemKind.SCRIPT, "a", "demisto/x:1.2.3"),
            (ItemKind.SCRIPT, "a", "demisto/x:1.2.3"),
        ]
    )
    headers = [line for line in text.splitlines() if line.startswith("#")]
    assert headers == ["#### Integrations", "##### Z", "#### Scripts", "##### a", "##### b"]
    assert "\n\n\n" not in text
    assert text.startswith("\n####")
    assert text.endswith("*.\n")
