"""Settings that cannot have their effect beside the others, each told where it stands."""

import pytest

from autobump.settings.load import parse_settings
from autobump.support.errors import SettingsError

REPORT = "  coverage_report: c.json\n  nightly_packs: n.json\n"


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text.encode(), "s.yml")
    return [str(fault) for fault in caught.value.faults]


def holds(*texts: str) -> str:
    return "policy:\n  holds:\n" + "".join(f"    - {{reason: why, {text}}}\n" for text in texts)


def waves(*texts: str, rollout: str = REPORT) -> str:
    return f"rollout:\n{rollout}  waves:\n" + "".join(f"    - {{{text}}}\n" for text in texts)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            holds("python: '3.11'"),
            "s.yml:3:7: policy.holds.0: a hold must name images, paths, packs or items",
        ),
        (
            holds("packs: [A], until: 2027-01-01", "packs: [A]"),
            "s.yml:4:7: policy.holds.1: a hold must say python, max_tag, skip_tags or until",
        ),
        (
            holds("packs: [A], python: '3.11'", "packs: [B], python: '3.9'", "packs: [A], python: '3.10'"),
            "s.yml:5:33: policy.holds.2.python: overlaps policy.holds.0, which wants 3.11 for the same items",
        ),
        (
            waves("name: rest"),
            's.yml:5:8: rollout.waves.0.name: "rest" is the name of what no wave takes',
        ),
        (
            waves("name: a, packs: [A]", "name: a, packs: [B]"),
            's.yml:6:8: rollout.waves.1.name: "a" stands twice',
        ),
        (
            waves("name: a, min_coverage: 60, max_coverage: 50.5"),
            "s.yml:5:7: rollout.waves.0: can never match: min_coverage 60 is above 50.5",
        ),
        (
            "policy: {support: [xsoar]}\n" + waves("name: a, support: [partner, community]"),
            "s.yml:6:17: rollout.waves.0.support: can never match: policy.support has none of these",
        ),
        (
            "policy: {exclude_packs: [A*]}\n" + waves("name: a, packs: [AB, 'A?']"),
            "s.yml:6:17: rollout.waves.0.packs: can never match: policy.exclude_packs has all of these",
        ),
        (
            "policy: {exclude_images: [demisto/*]}\n" + waves("name: a, images: [demisto/python3]"),
            "s.yml:6:17: rollout.waves.0.images: can never match: policy.exclude_images has all of these",
        ),
        (
            waves("name: a, images: [acme/*]"),
            "s.yml:5:17: rollout.waves.0.images: can never match: registry.namespaces has none of these "
            "owners",
        ),
        (
            waves("name: a, nightly: true", rollout=""),
            "s.yml:3:17: rollout.waves.0.nightly: can never match: rollout.nightly_packs names no list",
        ),
        (
            waves("name: a, min_coverage: 1", rollout=""),
            "s.yml:3:17: rollout.waves.0.min_coverage: can never match: rollout.coverage_report names no "
            "report",
        ),
        (
            waves("name: a, min_coverage: 50", "name: b, min_coverage: 60, packs: [A]"),
            "s.yml:6:7: rollout.waves.1: can never match: the wave a before it takes the same items",
        ),
    ],
)
def test_contradiction_is_told_with_its_place(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_all_contradictions_are_told_in_the_order_of_the_file() -> None:
    told = faults(waves("name: rest, packs: [A]", "name: b, images: [acme/x]") + holds("packs: [A]"))
    assert [fault.split(": ")[0] for fault in told] == ["s.yml:5:8", "s.yml:6:17", "s.yml:9:7"]


@pytest.mark.parametrize(
    "text",
    [
        holds("packs: [A], python: '3.11'", "packs: [A], python: '3.11'"),
        holds("packs: [A], python: '3.11'", "packs: [A], until: 2027-01-01"),
        waves("name: a, min_coverage: 80", "name: b, min_coverage: 60", "name: c"),
        waves("name: a, max_items: 5", "name: b"),
        waves("name: a, nightly: true", "name: b, nightly: false", "name: c, packs: [A]"),
        waves("name: a, support: [xsoar]", "name: b, support: [xsoar, partner]"),
        waves("name: a, packs: [A]", "name: b, packs: [A, B]"),
        waves("name: a, images: [demisto/x]", "name: b, images: [demisto/y]"),
        waves("name: a, nightly: false", rollout=""),
        "policy: {support: [xsoar]}\n" + waves("name: a, support: [xsoar, partner]"),
        "policy: {exclude_packs: [A]}\n" + waves("name: a, packs: [A, B]"),
        "registry: {hosts: {ghcr.io: {source: 'oci:https://ghcr.io', namespaces: [acme]}}}\n"
        + waves("name: a, images: [ghcr.io/acme/*]"),
        "registry: {hosts: {ghcr.io: {source: dockerhub}, docker.io: {source: dockerhub}}}",
        "registry: {namespaces: [ghcr.io/acme]}\n" + waves("name: a, images: [acme/*]"),
    ],
)
def test_what_can_have_its_effect_is_taken(text: str) -> None:
    parse_settings(text.encode(), "s.yml")
