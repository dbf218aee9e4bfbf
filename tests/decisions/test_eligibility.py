import pytest

from autobump.content.item import ContentItem, ItemKind, parse_item
from autobump.content.pack import Pack, PackFiles, PackMetadata
from autobump.decisions.eligibility import (
    EligibilityPolicy,
    Eligible,
    Skipped,
    SkipReason,
    decide_eligibility,
    matches_any,
    trace_eligibility,
)
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.registries import Registries
from tests.fixtures.repositories import item_yaml

METADATA = PackMetadata("Sample", "1.0.0", "xsoar", hidden=False)


def item(text: str, pack: str = "Sample", kind: ItemKind = ItemKind.SCRIPT) -> ContentItem:
    path = f"Packs/{pack}/Scripts/S/S.yml"
    return ContentItem(path, pack, kind, "0" * 40, "100644", parse_item(text.encode(), kind))


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


def test_reasons_keep_their_slugs_and_their_order() -> None:
    assert " ".join(SkipReason) == (
        "not-containerised no-docker-image invalid-docker-image unknown-registry untrusted-repository "
        "native-image no-pack-metadata hidden-pack excluded-pack deprecated-item support-level "
        "auto-update-disabled not-opted-in excluded-image deprecated-image mutable-tag"
    )


def test_policy_without_settings_takes_everything_but_shared_code() -> None:
    policy = EligibilityPolicy()
    assert (policy.auto_update, policy.support) == ("opt-out", ())
    assert (policy.exclude_packs, policy.exclude_images) == (("ApiModules",), ())
    assert (policy.pin_mutable_tags, policy.needs_metadata) == (False, True)
    assert (policy.registries, policy.deprecated) == (Registries(), {})


def test_eligible_item_keeps_its_pack_its_image_and_its_tag() -> None:
    one = item(item_yaml("demisto/x:1.2.3.4"))
    decision = decide_eligibility(one, pack(), EligibilityPolicy())
    assert isinstance(decision, Eligible)
    assert (decision.item, decision.pack) == (one, pack())
    assert (decision.image.repository, str(decision.current)) == ("demisto/x", "1.2.3.4")


def test_skip_names_its_file_and_pack_and_leaves_the_image_to_who_knows_it() -> None:
    decision = decide(item_yaml(deprecated="true"))
    assert isinstance(decision, Skipped)
    assert (decision.path, decision.pack) == ("Packs/Sample/Scripts/S/S.yml", "Sample")
    assert (decision.repository, decision.tag) == ("", "")


HIDDEN = PackMetadata("Sample", "1.0.0", "xsoar", hidden=True)
DEPRECATED = {"demisto/python3": DeprecatedImage("demisto/python3", "old", "demisto/new")}
MISPLACED = item_yaml("demisto/python3:1.2.3", kind="integration", **{"  autoUpdateDockerImage": "false"})


@pytest.mark.parametrize(
    ("text", "policy", "metadata", "detail"),
    [
        ("type: javascript\n", EligibilityPolicy(), METADATA, "type is javascript"),
        ("type: python\n", EligibilityPolicy(), METADATA, "dockerimage is missing or empty"),
        (
            item_yaml("library/x:1.2.3"),
            EligibilityPolicy(),
            METADATA,
            "library is not among demisto, demistoextended",
        ),
        (
            item_yaml("demisto/py3-native:1.2.3"),
            EligibilityPolicy(),
            METADATA,
            "demisto/py3-native is built by the platform",
        ),
        (item_yaml(), EligibilityPolicy(), HIDDEN, "the pack is hidden"),
        (
            item_yaml(),
            EligibilityPolicy(exclude_packs=("Other", "Sam*")),
            METADATA,
            "policy.exclude_packs names Sam*",
        ),
        (
            item_yaml(),
            EligibilityPolicy(exclude_packs=("ApiModules", "Sample")),
            METADATA,
            "policy.exclude_packs names Sample",
        ),
        (item_yaml(deprecated="true"), EligibilityPolicy(), METADATA, "deprecated: true"),
        (
            item_yaml(),
            EligibilityPolicy(support=("partner", "community")),
            METADATA,
            "support is xsoar; updated are partner, community",
        ),
        (
            item_yaml(autoUpdateDockerImage="false"),
            EligibilityPolicy(),
            METADATA,
            "autoUpdateDockerImage: false",
        ),
        (
            item_yaml("demisto/boto3:1.2.3"),
            EligibilityPolicy(auto_update="python-only"),
            METADATA,
            "only demisto/python and demisto/python3 are updated without autoUpdateDockerImage: true",
        ),
        (
            item_yaml(),
            EligibilityPolicy(exclude_images=("demisto/x", "demisto/python3")),
            METADATA,
            "policy.exclude_images names demisto/python3",
        ),
        (
            item_yaml("docker.io/demisto/python3:1.2.3"),
            EligibilityPolicy(deprecated=DEPRECATED),
            METADATA,
            "demisto/python3 is deprecated; use demisto/new instead",
        ),
        (item_yaml("demisto/x"), EligibilityPolicy(), METADATA, "no tag"),
        (item_yaml("demisto/x:latest"), EligibilityPolicy(), METADATA, "the tag latest can be overwritten"),
    ],
)
def test_skip_says_what_it_was_that_the_rule_found(
    text: str, policy: EligibilityPolicy, metadata: PackMetadata, detail: str
) -> None:
    decision = decide(text, policy=policy, metadata=metadata)
    assert isinstance(decision, Skipped)
    assert decision.detail == detail


def test_no_under_script_counts_and_says_where_it_stands() -> None:
    decision = decide_eligibility(item(MISPLACED, kind=ItemKind.INTEGRATION), pack(), EligibilityPolicy())
    assert isinstance(decision, Skipped)
    where = "(under script:, where the platform does not read it)"
    assert decision.detail == f"autoUpdateDockerImage: false {where}"


def test_yes_under_script_does_not_count() -> None:
    text = item_yaml("demisto/boto3:1.2.3", kind="integration", **{"  autoUpdateDockerImage": "true"})
    policy = EligibilityPolicy(auto_update="python-only")
    decision = decide_eligibility(item(text, kind=ItemKind.INTEGRATION), pack(), policy)
    assert reason(decision) == SkipReason.NOT_OPTED_IN


def test_pack_without_metadata_is_fine_where_an_update_does_not_write_it() -> None:
    policy = EligibilityPolicy(needs_metadata=False)
    assert reason(decide(item_yaml(), policy=policy, metadata=None)) is None


def facts_of(
    text: str,
    policy: EligibilityPolicy | None = None,
    metadata: PackMetadata | None = METADATA,
    kind: ItemKind = ItemKind.SCRIPT,
) -> dict[SkipReason, str]:
    trail = trace_eligibility(item(text, kind=kind), pack(metadata), policy or EligibilityPolicy())
    return {step.rule: step.fact for step in trail}


def test_trail_of_an_eligible_item_tells_what_each_rule_looked_at() -> None:
    assert list(facts_of(item_yaml("demisto/x:1.2.3.4")).values()) == [
        "type is python",
        "dockerimage is demisto/x:1.2.3.4",
        "demisto/x:1.2.3.4 is a well-formed name",
        "registry is docker.io, looked up in dockerhub",
        "owner is demisto; trusted: demisto, demistoextended",
        "image is demisto/x",
        "pack Sample, version 1.0.0",
        "hidden: no",
        "policy.exclude_packs is ApiModules",
        "deprecated: no",
        "support is xsoar; updated are all",
        "autoUpdateDockerImage is not set",
        "policy.auto_update is opt-out",
        "policy.exclude_images is empty",
        "no list of deprecated images is used",
        "tag is 1.2.3.4; policy.pin_mutable_tags is no",
    ]
    other = {"demisto/y": DeprecatedImage("demisto/y", "old", "")}
    facts = facts_of(item_yaml("demisto/x:1.2.3.4"), EligibilityPolicy(deprecated=other)).values()
    assert "demisto/x is not among the deprecated images that are skipped" in facts


def test_trail_tells_what_the_settings_choose() -> None:
    policy = EligibilityPolicy(
        auto_update="python-only",
        support=("xsoar", "partner"),
        exclude_packs=(),
        exclude_images=("a/b", "c/d"),
        pin_mutable_tags=True,
    )
    facts = facts_of(item_yaml("demisto/x", autoUpdateDockerImage="true"), policy)
    assert facts[SkipReason.EXCLUDED_PACK] == "policy.exclude_packs is empty"
    assert facts[SkipReason.SUPPORT_LEVEL] == "support is xsoar; updated are xsoar, partner"
    assert facts[SkipReason.AUTO_UPDATE_DISABLED] == "autoUpdateDockerImage is true"
    assert facts[SkipReason.NOT_OPTED_IN] == "policy.auto_update is python-only"
    assert facts[SkipReason.EXCLUDED_IMAGE] == "policy.exclude_images is a/b, c/d"
    assert facts[SkipReason.MUTABLE_TAG] == "tag is missing; policy.pin_mutable_tags is yes"
    several = EligibilityPolicy(exclude_packs=("A", "B"))
    assert facts_of(item_yaml(), several)[SkipReason.EXCLUDED_PACK] == "policy.exclude_packs is A, B"


@pytest.mark.parametrize(
    ("text", "rule", "fact"),
    [
        ("a: b\n", SkipReason.NOT_CONTAINERISED, "type is not given"),
        ("type: python\n", SkipReason.NO_DOCKER_IMAGE, "dockerimage is missing or empty"),
        (
            item_yaml("[demisto/x]"),
            SkipReason.NO_DOCKER_IMAGE,
            "dockerimage is its value is a sequence, not a plain string",
        ),
        (
            item_yaml("[demisto/x]"),
            SkipReason.INVALID_DOCKER_IMAGE,
            "its value is a sequence, not a plain string",
        ),
        (item_yaml("evil.example/demisto/x:1.2.3"), SkipReason.UNKNOWN_REGISTRY, "registry is not known"),
        (item_yaml(deprecated="true"), SkipReason.DEPRECATED_ITEM, "deprecated: yes"),
        (
            item_yaml(autoUpdateDockerImage="false"),
            SkipReason.AUTO_UPDATE_DISABLED,
            "autoUpdateDockerImage is false",
        ),
    ],
)
def test_trail_of_a_skipped_item_tells_what_its_last_rule_found(
    text: str, rule: SkipReason, fact: str
) -> None:
    assert facts_of(text)[rule] == fact


def test_trail_tells_of_a_key_that_stands_where_the_platform_does_not_read_it() -> None:
    facts = facts_of(MISPLACED, kind=ItemKind.INTEGRATION)
    misplaced = "autoUpdateDockerImage is false (misplaced under script:)"
    assert facts[SkipReason.AUTO_UPDATE_DISABLED] == misplaced


def test_trail_tells_of_a_pack_what_is_known_of_it() -> None:
    assert facts_of(item_yaml(), metadata=HIDDEN)[SkipReason.HIDDEN_PACK] == "hidden: yes"
    none = facts_of(item_yaml(), EligibilityPolicy(needs_metadata=False), metadata=None)
    assert none[SkipReason.NO_PACK_METADATA] == "the pack has no pack_metadata.json"
    assert none[SkipReason.HIDDEN_PACK] == "hidden: no"
    bare = Pack(PackFiles("Sample", "Packs/Sample"), None)
    policy = EligibilityPolicy(needs_metadata=False)
    trail = {step.rule: step.fact for step in trace_eligibility(item(item_yaml()), bare, policy)}
    assert trail[SkipReason.NO_PACK_METADATA] == "pack Sample, version not given"


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("Alpha", ("Beta", "Alpha"), "Alpha"),
        ("Alpha", ("alpha",), None),
        ("Alpha", ("A*", "Alpha"), "A*"),
        ("Alpha", ("?lpha",), "?lpha"),
        ("Alpha", ("[AB]lpha",), "[AB]lpha"),
        ("Alpha", ("B*",), None),
        ("Alpha", (), None),
    ],
)
def test_name_is_told_by_the_first_pattern_that_matches(
    name: str, patterns: tuple[str, ...], expected: str | None
) -> None:
    assert matches_any(name, patterns) == expected
