import pytest

from autobump.content.item import ContentItem, ItemFile, ItemKind, parse_item
from autobump.content.pack import Pack, PackFiles, PackMetadata
from autobump.decisions.eligibility import (
    EligibilityPolicy,
    Eligible,
    Skipped,
    SkipReason,
    decide_eligibility,
    trace_eligibility,
)
from autobump.images.registries import Registries
from tests.fixtures.repositories import item_yaml

METADATA = PackMetadata("Sample", "1.0.0", "xsoar", hidden=False)


def item(text: str, pack: str = "Sample", kind: ItemKind = ItemKind.SCRIPT) -> ContentItem:
    file = ItemFile(f"Packs/{pack}/Scripts/S/S.yml", pack, kind, "0" * 40, "100644")
    return ContentItem(file, parse_item(text.encode(), kind))


def pack(metadata: PackMetadata | None = METADATA) -> Pack:
    return Pack(
        PackFiles("Sample", "Packs/Sample"),
        metadata,
        "" if metadata else "the pack has no pack_metadata.json",
    )


def decide(
    text: str, *, policy: EligibilityPolicy | None = None, metadata: PackMetadata | None = METADATA
) -> Eligible | Skipped:
    return decide_eligibility(item(text), pack(metadata), policy or EligibilityPolicy())


def reason(decision: Eligible | Skipped) -> str | None:
    return decision.reason if isinstance(decision, Skipped) else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type: javascript\ndockerimage: demisto/python3:1.2.3.4\n", SkipReason.NOT_CONTAINERISED),
        ("type: python\n", SkipReason.NO_DOCKER_IMAGE),
        (item_yaml("''"), SkipReason.NO_DOCKER_IMAGE),
        (item_yaml("python3:1.2.3"), SkipReason.INVALID_DOCKER_IMAGE),
        (item_yaml("demisto/py thon:1.2.3"), SkipReason.INVALID_DOCKER_IMAGE),
        (item_yaml("demisto/../x:1.2.3"), SkipReason.INVALID_DOCKER_IMAGE),
        (item_yaml("demisto/x:$(id)"), SkipReason.INVALID_DOCKER_IMAGE),
        (item_yaml("[demisto/x]"), SkipReason.INVALID_DOCKER_IMAGE),
        (item_yaml("3.10"), SkipReason.INVALID_DOCKER_IMAGE),
        (item_yaml("library/python3:1.2.3"), SkipReason.UNTRUSTED_REPOSITORY),
        (item_yaml("evil.example/demisto/python3:1.2.3"), SkipReason.UNKNOWN_REGISTRY),
        (item_yaml("demisto/py3-native:8.2.0.1234"), SkipReason.NATIVE_IMAGE),
        (item_yaml(deprecated="true"), SkipReason.DEPRECATED_ITEM),
        (item_yaml(autoUpdateDockerImage="false"), SkipReason.AUTO_UPDATE_DISABLED),
        (item_yaml("demisto/aquatone"), SkipReason.MUTABLE_TAG),
        (item_yaml("demisto/symantec_mss:latest"), SkipReason.MUTABLE_TAG),
        (item_yaml("demisto/dl:1.4_languages"), SkipReason.MUTABLE_TAG),
        (item_yaml("demisto/x:1.0-alpine"), SkipReason.MUTABLE_TAG),
        (item_yaml("demisto/x:7"), SkipReason.MUTABLE_TAG),
        (item_yaml("demisto/dl:1.1"), None),
        (item_yaml("demisto/splunksdk:2.0"), None),
        (item_yaml("demisto/python3:3.9.8.24399"), None),
        (item_yaml("demisto/pymisp2:2.5.34.1.9155015"), None),
    ],
)
def test_item_gets_the_first_reason_that_fits(text: str, expected: SkipReason | None) -> None:
    assert reason(decide(text)) == expected


@pytest.mark.parametrize(
    ("image", "detail"),
    [
        ("python:3", "python:3 has no namespace: an official image of Docker Hub, which is not trusted"),
        ("alpine", "alpine has no namespace: an official image of Docker Hub, which is not trusted"),
        ("demisto/x@sha256:" + "a" * 64, "demisto/x is pinned by digest, which is never changed; name a tag"),
        ("demisto/x:1.0.0.1@sha256:" + "a" * 64, "demisto/x:1.0.0.1 is pinned by digest"),
        ("docker.io/demisto/x@sha512:" + "a" * 128, "docker.io/demisto/x is pinned by digest"),
        ("Python:3", "'Python:3' is not [registry/]namespace/name[:tag]"),
        ("me@example", "'me@example' is not [registry/]namespace/name[:tag]"),
    ],
)
def test_image_that_docker_takes_and_nobody_can_update_is_told(image: str, detail: str) -> None:
    decision = decide(item_yaml(f"'{image}'"))
    assert isinstance(decision, Skipped)
    assert decision.reason is SkipReason.INVALID_DOCKER_IMAGE
    assert decision.detail.startswith(detail)


def test_pack_without_metadata_is_skipped_and_says_why() -> None:
    decision = decide(item_yaml(), metadata=None)
    assert isinstance(decision, Skipped)
    assert (decision.reason, decision.detail) == (
        SkipReason.NO_PACK_METADATA,
        "the pack has no pack_metadata.json",
    )


def test_hidden_pack_is_skipped() -> None:
    hidden = PackMetadata("Sample", "1.0.0", "xsoar", hidden=True)
    assert reason(decide(item_yaml(), metadata=hidden)) == SkipReason.HIDDEN_PACK


def test_excluded_packs_and_images_match_names_and_globs() -> None:
    for pattern in ("Sample", "Sam*"):
        policy = EligibilityPolicy(exclude_packs=(pattern,))
        assert reason(decide(item_yaml(), policy=policy)) == SkipReason.EXCLUDED_PACK
    for pattern in ("demisto/python3", "demisto/py*"):
        policy = EligibilityPolicy(exclude_images=(pattern,))
        assert reason(decide(item_yaml(), policy=policy)) == SkipReason.EXCLUDED_IMAGE


def test_support_levels_choose_packs() -> None:
    assert reason(decide(item_yaml(), policy=EligibilityPolicy(support=("partner",)))) == (
        SkipReason.SUPPORT_LEVEL
    )
    assert reason(decide(item_yaml(), policy=EligibilityPolicy(support=("partner", "xsoar")))) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (item_yaml("demisto/python3:1.2.3.4"), None),
        (item_yaml("demisto/python:1.2.3.4"), None),
        (item_yaml("demisto/boto3:1.2.3.4"), SkipReason.NOT_OPTED_IN),
        (item_yaml("demisto/boto3:1.2.3.4", autoUpdateDockerImage="true"), None),
        (
            item_yaml("demisto/python3:1.2.3.4", autoUpdateDockerImage="false"),
            SkipReason.AUTO_UPDATE_DISABLED,
        ),
    ],
)
def test_python_only_updates_python_images_and_those_that_ask(text: str, expected: SkipReason | None) -> None:
    assert reason(decide(text, policy=EligibilityPolicy(auto_update="python-only"))) == expected


@pytest.mark.parametrize("image", ["demisto/aquatone", "demisto/symantec_mss:latest"])
def test_mutable_tags_can_be_pinned(image: str) -> None:
    decision = decide(item_yaml(image), policy=EligibilityPolicy(pin_mutable_tags=True))
    assert isinstance(decision, Eligible)
    assert decision.current is None


def test_registry_can_be_trusted_by_name() -> None:
    registries = Registries("file:tags.json", ("mirror.example:5000/demisto",))
    policy = EligibilityPolicy(registries)
    assert reason(decide(item_yaml("mirror.example:5000/demisto/x:1.2.3"), policy=policy)) is None
    assert reason(decide(item_yaml("demisto/x:1.2.3"), policy=policy)) == SkipReason.UNTRUSTED_REPOSITORY


def test_trail_shows_every_rule_up_to_the_one_that_skips() -> None:
    trail = list(trace_eligibility(item(item_yaml(deprecated="true")), pack(), EligibilityPolicy()))
    rules = list(SkipReason)
    assert [step.rule for step in trail] == rules[: rules.index(SkipReason.DEPRECATED_ITEM) + 1]
    assert [step.skip_detail for step in trail[:-1]] == [None] * (len(trail) - 1)
    assert trail[-1].skip_detail == "deprecated: true"


def test_trail_of_an_eligible_item_shows_all_rules() -> None:
    trail = list(trace_eligibility(item(item_yaml()), pack(), EligibilityPolicy()))
    assert [step.rule for step in trail] == list(SkipReason)
    assert all(step.fact for step in trail)
