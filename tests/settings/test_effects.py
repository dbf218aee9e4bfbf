"""Every key of the settings: its default, what it changes in a plan, and what it refuses.

What a plan cannot show is looked at on the object that uses the setting.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from autobump.evidence.engine import Engine
from autobump.images.sources.snapshot import SnapshotSource
from autobump.settings.load import parse_settings
from autobump.settings.model import Settings
from autobump.settings.values import write_duration
from autobump.support.errors import SettingsError
from tests.fixtures.looks import (
    Look,
    PlanLook,
    World,
    address,
    asks_at_once,
    cache_folder,
    dashboards,
    deprecated_images,
    deprecated_policy,
    engine,
    facts_source,
    first_wave,
    held,
    images,
    kept_target,
    links,
    listed,
    looked_up,
    most_items,
    most_of_an_image,
    next_due,
    option,
    overdue,
    own_clones,
    pace,
    paused,
    place,
    plan_shows,
    puts_images_together,
    pythons,
    risk_groups,
    roots,
    security,
    skipped,
    skipped_packs,
    soaking,
    support,
    tag_source,
    targets,
    verifies,
    waves,
    why_held,
    written_files,
)
from tests.fixtures.small_world import make_small_world

RISKY = ("CortexDataLake", "ActiveMQ")
"""Packs of the corpus with an item that may break, and one to review."""


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    corpus_repository: Path,
    corpus_tags: SnapshotSource,
    corpus: Path,
) -> World:
    return World(tmp_path_factory.mktemp("world"), corpus_repository, corpus_tags, corpus)


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_small_world(tmp_path_factory.mktemp("small"))


@dataclass(frozen=True)
class Row:
    """One key.

    Attributes:
        default: Its default as JSON; `...` when it must be given.
        look: Where its effect is seen.
        before: Settings without it, and what is seen then.
        after: Settings with it, and what is seen then.
        wrong: Settings with a value that it refuses, and the fault from line and column on.
    """

    default: Any
    look: Look
    before: tuple[str, object]
    after: tuple[str, object]
    wrong: tuple[str, str]


ALL = "policy: {holds: [{reason: why, packs: ['*'], until: 2027-01-01}]}"
HOLD = "policy: {{holds: [{{reason: why, packs: ['*'], until: 2027-01-01, {}}}]}}"
PYTHONS = "policy: {{holds: [{{reason: why, images: [demisto/python3], {}}}]}}"
WAVE = (
    "rollout: {{coverage_report: FOLDER/coverage.json, nightly_packs: FOLDER/nightly.json, "
    "waves: [{{name: a{}}}]}}"
)
HOSTS = "registry: {{namespaces: [acme], hosts: {{registry.example: {{source: 'oci:https://o.example'{}}}}}}}"
VERIFY = "verify: {{engine: docker{}}}"
ADVISORIES = "registry: {advisories: file:CORPUS/osv-pypi.json.xz}"
OWN = "rollout: {{waves: [{{name: a, {}}}]}}"

ROWS: dict[str, Row] = {
    "content.repository": Row(
        "demisto/content",
        place,
        ("", "demisto/content on GitHub"),
        ("content: {repository: acme/content}", "acme/content on GitHub"),
        (
            "content: {repository: acme}",
            '1:11: content.repository: "acme": string should match pattern '
            "'^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$'",
        ),
    ),
    "content.base": Row(
        "master",
        links,
        ("", ["master"]),
        ("content: {base: main}", ["main"]),
        (
            "content: {base: -f}",
            "1:11: content.base: \"-f\": string should match pattern '^[A-Za-z0-9_][A-Za-z0-9_./-]*$'",
        ),
    ),
    "content.root": Row(
        None,
        roots,
        ("", [None]),
        ("content: {root: ./y/}", ["y"]),
        (
            "content: {root: ../x}",
            '1:11: content.root: "../x" must be a folder of the repository, such as Packs, or . for its top',
        ),
    ),
    "registry.source": Row(
        "dockerhub",
        tag_source,
        ("", "DockerHubSource"),
        ("registry: {source: file:CORPUS/images-2026-05.json.xz}", "SnapshotSource"),
        (
            "registry: {source: hub}",
            '1:12: registry.source: "hub" is no tag source; use dockerhub, '
            "oci:https://host[/prefix], dockerfiles-info[:PATH] or file:PATH",
        ),
    ),
    "registry.hosts": Row(
        {},
        looked_up,
        ("", None),
        (
            "registry: {namespaces: [docker/acme], hosts: {registry.example: {source: 'oci:https://o.example'}}}",
            "oci:https://o.example docker/acme/x trusted",
        ),
        (
            "registry: {hosts: {nowhere: {source: dockerhub}}}",
            '1:20: registry.hosts.nowhere: "nowhere" is no host of a registry, such as '
            "registry.example.com or localhost:5000",
        ),
    ),
    "registry.hosts.source": Row(
        ...,
        looked_up,
        ("registry: {hosts: {registry.example: {source: dockerhub}}}", "dockerhub acme/x not trusted"),
        (
            "registry: {hosts: {registry.example: {source: 'oci:https://o.example/p'}}}",
            "oci:https://o.example/p docker/acme/x not trusted",
        ),
        (
            "registry: {hosts: {registry.example: {}}}",
            "1:20: registry.hosts.registry.example.source: must be given",
        ),
    ),
    "registry.hosts.prefix": Row(
        "",
        looked_up,
        (HOSTS.format(""), "oci:https://o.example docker/acme/x not trusted"),
        (HOSTS.format(", prefix: docker"), "oci:https://o.example docker/acme/x trusted"),
        (
            HOSTS.format(", prefix: /x"),
            '1:92: registry.hosts.registry.example.prefix: "/x": string should match pattern '
            "'^([a-z0-9][a-z0-9._/-]*[a-z0-9])?$'",
        ),
    ),
    "registry.hosts.namespaces": Row(
        None,
        looked_up,
        (HOSTS.format(""), "oci:https://o.example docker/acme/x not trusted"),
        (HOSTS.format(", namespaces: [docker/acme]"), "oci:https://o.example docker/acme/x trusted"),
        (
            HOSTS.format(", namespaces: []"),
            "1:92: registry.hosts.registry.example.namespaces: [] must have 1 or more",
        ),
    ),
    "registry.namespaces": Row(
        ["demisto", "demistoextended"],
        skipped("untrusted-repository"),
        ("", 0),
        ("registry: {namespaces: [acme]}", 1353),
        ("registry: {namespaces: []}", "1:12: registry.namespaces: [] must have 1 or more"),
    ),
    "registry.min_age": Row(
        "0 days",
        plan_shows(targets, "ActiveMQ"),
        ("", ["1.0.0.8544956"]),
        ("registry: {min_age: 52 weeks}", ["1.0.0.3040909"]),
        (
            "registry: {min_age: 3}",
            "1:12: registry.min_age: 3 must be a number and a unit, such as 3 days (seconds, "
            "minutes, hours, days, weeks)",
        ),
    ),
    "registry.facts": Row(
        "auto",
        facts_source,
        ("", "RememberedFacts"),
        ("registry: {facts: none}", "NoneType"),
        (
            "registry: {facts: all}",
            '1:12: registry.facts: "all" is no source of image facts; use auto, none, '
            "dockerfiles-info[:PATH] or file:PATH",
        ),
    ),
    "registry.deprecated_images": Row(
        "auto",
        deprecated_images,
        ("", False),
        ("registry: {deprecated_images: file:CORPUS/deprecated_images.json}", True),
        (
            "registry: {deprecated_images: all}",
            '1:12: registry.deprecated_images: "all" is no list of deprecated images; use '
            "auto, none, dockerfiles or file:PATH",
        ),
    ),
    "registry.advisories": Row(
        None,
        plan_shows(security, risk=True),
        ("", [0, 0]),
        (ADVISORIES, [10, 10]),
        (
            "registry: {advisories: all}",
            '1:12: registry.advisories: "all" is no source of advisories; use none, osv, osv:URL or '
            "file:PATH",
        ),
    ),
    "registry.cache": Row(
        "~/.cache/autobump",
        cache_folder,
        ("", ["home"]),
        ("registry: {cache: FOLDER/named}", ["home", "named"]),
        ("registry: {cache: null}", "1:12: registry.cache: null must be text"),
    ),
    "registry.concurrency": Row(
        8,
        asks_at_once,
        ("", True),
        ("registry: {concurrency: 1}", False),
        (
            "registry: {concurrency: 65}",
            "1:12: registry.concurrency: 65: input should be less than or equal to 64",
        ),
    ),
    "policy.auto_update": Row(
        "opt-out",
        plan_shows(lambda result: len(images(result))),
        ("", 146),
        ("policy: {auto_update: python-only}", 2),
        (
            "policy: {auto_update: never}",
            "1:10: policy.auto_update: \"never\" is not 'opt-out' or 'python-only'",
        ),
    ),
    "policy.support": Row(
        [],
        plan_shows(support),
        ("", ["community", "developer", "partner", "xsoar"]),
        ("policy: {support: [community, developer]}", ["community", "developer"]),
        (
            "policy: {support: [gold]}",
            "1:20: policy.support.0: \"gold\" is not 'xsoar', 'partner', 'developer', 'community', "
            "'xsiam', 'internal' or 'none'",
        ),
    ),
    "policy.exclude_packs": Row(
        ["ApiModules"],
        skipped_packs("excluded-pack"),
        ("", ["ApiModules"]),
        ("policy: {exclude_packs: [Base, EWS*]}", ["Base", "EWS", "EWSMailSender"]),
        ("policy: {exclude_packs: Base}", '1:10: policy.exclude_packs: "Base" must be a list'),
    ),
    "policy.exclude_images": Row(
        [],
        skipped("excluded-image"),
        ("", 0),
        ("policy: {exclude_images: [demisto/py*]}", 991),
        ("policy: {exclude_images: [3]}", "1:27: policy.exclude_images.0: 3 must be text; put it in quotes"),
    ),
    "policy.pin_mutable_tags": Row(
        False,
        skipped("mutable-tag"),
        ("", 1),
        ("policy: {pin_mutable_tags: true}", 0),
        (
            "policy: {pin_mutable_tags: 1}",
            "1:10: policy.pin_mutable_tags: 1: input should be a valid boolean",
        ),
    ),
    "policy.deprecated_images": Row(
        "skip",
        deprecated_policy,
        ("", "deprecated-image"),
        ("policy: {deprecated_images: update}", ""),
        (
            "policy: {deprecated_images: drop}",
            "1:10: policy.deprecated_images: \"drop\" is not 'skip' or 'update'",
        ),
    ),
    "policy.min_interval": Row(
        "0 days",
        paused,
        ("", []),
        ("policy: {min_interval: 2 weeks}", ["too-soon"]),
        (
            "policy: {min_interval: 14}",
            "1:10: policy.min_interval: 14 must be a number and a unit, such as 3 days (seconds, minutes, "
            "hours, days, weeks)",
        ),
    ),
    "policy.security.severity": Row(
        "high",
        plan_shows(security, risk=True),
        (ADVISORIES, [10, 10]),
        (f"{ADVISORIES}\npolicy: {{security: {{severity: critical}}}}", [10, 7]),
        (
            "policy: {security: {severity: bad}}",
            "1:21: policy.security.severity: \"bad\" is not 'critical', 'high', 'medium', 'low' or 'unknown'",
        ),
    ),
    "policy.holds": Row(
        [],
        plan_shows(held),
        ("", 0),
        ("policy: {holds: [{reason: why, packs: [Base], until: 2027-01-01}]}", 21),
        ("policy: {holds: {reason: why}}", "1:10: policy.holds: {'reason': 'why'} must be a list"),
    ),
    "policy.holds.reason": Row(
        ...,
        plan_shows(why_held),
        ("policy: {holds: [{reason: one, packs: [Base], until: 2027-01-01}]}", [" until 2027-01-01: one"]),
        ("policy: {holds: [{reason: two, packs: [Base], until: 2027-01-01}]}", [" until 2027-01-01: two"]),
        (
            "policy: {holds: [{packs: [Base], until: 2027-01-01}]}",
            "1:18: policy.holds.0.reason: must be given",
        ),
    ),
    "policy.holds.images": Row(
        [],
        plan_shows(held),
        (ALL, 1262),
        (HOLD.format("images: [demisto/crypto]"), 27),
        (
            HOLD.format("images: demisto/crypto"),
            '1:65: policy.holds.0.images: "demisto/crypto" must be a list',
        ),
    ),
    "policy.holds.paths": Row(
        [],
        plan_shows(held),
        (ALL, 1262),
        (HOLD.format("paths: [Packs/Base/*]"), 21),
        (
            HOLD.format("paths: ['']"),
            '1:73: policy.holds.0.paths.0: "": string should have at least 1 character',
        ),
    ),
    "policy.holds.packs": Row(
        [],
        plan_shows(held),
        (ALL, 1262),
        ("policy: {holds: [{reason: why, packs: [EWS], until: 2027-01-01}]}", 8),
        (
            "policy: {holds: [{reason: why, packs: [null], until: 2027-01-01}]}",
            "1:40: policy.holds.0.packs.0: null must be text",
        ),
    ),
    "policy.holds.items": Row(
        [],
        plan_shows(held),
        (ALL, 1262),
        (HOLD.format("items: [ActiveMQ, Netmiko]"), 2),
        (
            HOLD.format("items: {ActiveMQ: true}"),
            "1:65: policy.holds.0.items: {'ActiveMQ': True} must be a list",
        ),
    ),
    "policy.holds.python": Row(
        None,
        plan_shows(pythons, "Base", risk=True),
        (PYTHONS.format("skip_tags: [1.0.0.0]"), ["3.12"]),
        (PYTHONS.format("python: '3.10'"), ["3.10"]),
        (PYTHONS.format("python: 3.11"), "1:59: policy.holds.0.python: 3.11 must be text; put it in quotes"),
    ),
    "policy.holds.max_tag": Row(
        None,
        plan_shows(targets, "ActiveMQ"),
        ("", ["1.0.0.8544956"]),
        ("policy: {holds: [{reason: why, packs: [ActiveMQ], max_tag: 1.0.0.90000}]}", ["1.0.0.68700"]),
        (
            PYTHONS.format("max_tag: latest"),
            '1:59: policy.holds.0.max_tag: "latest" must be an immutable tag: three or more '
            "numbers with dots between them",
        ),
    ),
    "policy.holds.skip_tags": Row(
        [],
        plan_shows(targets, "ActiveMQ"),
        ("", ["1.0.0.8544956"]),
        (
            "policy: {holds: [{reason: why, packs: [ActiveMQ], skip_tags: [1.0.0.8544956]}]}",
            ["1.0.0.8425368"],
        ),
        (
            PYTHONS.format("skip_tags: [3.10]"),
            "1:71: policy.holds.0.skip_tags.0: 3.10 must be text; put it in quotes",
        ),
    ),
    "policy.holds.until": Row(
        None,
        plan_shows(held),
        ("policy: {holds: [{reason: why, packs: [Base], until: 2026-06-01}]}", 0),
        ("policy: {holds: [{reason: why, packs: [Base], until: 2026-06-02}]}", 21),
        (
            PYTHONS.format("until: 2026-02-30"),
            '1:59: policy.holds.0.until: "2026-02-30" is no day of the calendar: day is out '
            "of range for month",
        ),
    ),
    "policy.risk.breaking": Row(
        "separate",
        plan_shows(risk_groups, *RISKY, risk=True),
        ("", [("", ("autobump:review",)), ("breaking", ("autobump:breaking",))]),
        ("policy: {risk: {breaking: hold}}", [("", ("autobump:review",))]),
        (
            "policy: {risk: {breaking: no}}",
            "1:17: policy.risk.breaking: \"no\" is not 'separate', 'hold' or 'ignore'",
        ),
    ),
    "policy.risk.review": Row(
        "label",
        plan_shows(risk_groups, *RISKY, risk=True),
        ("", [("", ("autobump:review",)), ("breaking", ("autobump:breaking",))]),
        (
            "policy: {risk: {review: separate}}",
            [("breaking", ("autobump:breaking",)), ("review", ("autobump:review",))],
        ),
        (
            "policy: {risk: {review: hold}}",
            "1:17: policy.risk.review: \"hold\" is not 'label', 'separate' or 'ignore'",
        ),
    ),
    "rollout.coverage_report": Row(
        None,
        plan_shows(first_wave),
        (OWN.format("max_coverage: 49"), 1262),
        ("rollout: {coverage_report: FOLDER/coverage.json, waves: [{name: a, max_coverage: 49}]}", 650),
        ("rollout: {coverage_report: [a]}", "1:11: rollout.coverage_report: ['a'] must be text"),
    ),
    "rollout.nightly_packs": Row(
        None,
        plan_shows(first_wave),
        (OWN.format("nightly: false"), 1262),
        ("rollout: {nightly_packs: FOLDER/nightly.json, waves: [{name: a, nightly: false}]}", 1233),
        (
            "rollout: {nightly_packs: true}",
            "1:11: rollout.nightly_packs: true must be text; put it in quotes",
        ),
    ),
    "rollout.replace": Row(
        "security",
        kept_target,
        ("", "1.0.0.9"),
        ("rollout: {replace: always}", "1.0.0.10"),
        (
            "rollout: {replace: newer}",
            "1:11: rollout.replace: \"newer\" is not 'security', 'always' or 'never'",
        ),
    ),
    "rollout.waves": Row(
        [],
        plan_shows(waves),
        ("", [""]),
        (OWN.format("images: [demisto/python3]"), ["a", "rest"]),
        ("rollout: {waves: a}", '1:11: rollout.waves: "a" must be a list'),
    ),
    "rollout.waves.name": Row(
        ...,
        plan_shows(waves),
        ("rollout: {waves: [{name: a}]}", ["a"]),
        ("rollout: {waves: [{name: b 2}]}", ["b 2"]),
        ("rollout: {waves: [{draft: true}]}", "1:19: rollout.waves.0.name: must be given"),
    ),
    "rollout.waves.min_coverage": Row(
        0,
        plan_shows(first_wave),
        (WAVE.format(""), 1262),
        (WAVE.format(", min_coverage: 70"), 360),
        (
            WAVE.format(", min_coverage: -1"),
            "1:104: rollout.waves.0.min_coverage: -1: input should be greater than or equal to 0",
        ),
    ),
    "rollout.waves.max_coverage": Row(
        100,
        plan_shows(first_wave),
        (WAVE.format(""), 1262),
        (WAVE.format(", max_coverage: 9.5"), 130),
        (
            WAVE.format(", max_coverage: true"),
            "1:104: rollout.waves.0.max_coverage: true: input should be a valid number",
        ),
    ),
    "rollout.waves.support": Row(
        [],
        plan_shows(first_wave),
        (WAVE.format(""), 1262),
        (WAVE.format(", support: [community]"), 177),
        (
            WAVE.format(", support: [gold]"),
            "1:114: rollout.waves.0.support.0: \"gold\" is not 'xsoar', 'partner', 'developer', "
            "'community', 'xsiam', 'internal' or 'none'",
        ),
    ),
    "rollout.waves.nightly": Row(
        None,
        plan_shows(first_wave),
        (WAVE.format(""), 1262),
        (WAVE.format(", nightly: true"), 29),
        (
            WAVE.format(", nightly: yes"),
            '1:104: rollout.waves.0.nightly: "yes": input should be a valid boolean',
        ),
    ),
    "rollout.waves.packs": Row(
        [],
        plan_shows(first_wave),
        (WAVE.format(""), 1262),
        (WAVE.format(", packs: [EWS]"), 8),
        (WAVE.format(", packs: EWS"), '1:104: rollout.waves.0.packs: "EWS" must be a list'),
    ),
    "rollout.waves.images": Row(
        [],
        plan_shows(first_wave),
        (WAVE.format(""), 1262),
        (WAVE.format(", images: [demisto/crypto]"), 27),
        (WAVE.format(", images: [1]"), "1:113: rollout.waves.0.images.0: 1 must be text; put it in quotes"),
    ),
    "rollout.waves.max_items": Row(
        None,
        plan_shows(most_of_an_image),
        (WAVE.format(""), 852),
        (WAVE.format(", max_items: 5"), 5),
        (
            WAVE.format(", max_items: 0"),
            "1:104: rollout.waves.0.max_items: 0: input should be greater than or equal to 1",
        ),
    ),
    "rollout.waves.soak": Row(
        "0 days",
        soaking,
        (OWN.format("packs: [A]"), []),
        (OWN.format("packs: [A], soak: 3 days"), ["the wave a soaks until 2026-06-03 03:00 UTC"]),
        (
            OWN.format("soak: 3d"),
            '1:29: rollout.waves.0.soak: "3d" must be a number and a unit, such as 3 days '
            "(seconds, minutes, hours, days, weeks)",
        ),
    ),
    "rollout.waves.labels": Row(
        [],
        option("labels"),
        (OWN.format("max_coverage: 100"), ("docker-image-auto-update",)),
        (OWN.format("labels: [wave-1]"), ("docker-image-auto-update", "wave-1")),
        (
            OWN.format("labels: ['']"),
            '1:38: rollout.waves.0.labels.0: "": string should have at least 1 character',
        ),
    ),
    "rollout.waves.reviewers": Row(
        [],
        option("reviewers"),
        ("{rollout: {waves: [{name: a}]}, pull_requests: {reviewers: [one]}}", ("one",)),
        ("{rollout: {waves: [{name: a, reviewers: [two]}]}, pull_requests: {reviewers: [one]}}", ("two",)),
        (OWN.format("reviewers: two"), '1:29: rollout.waves.0.reviewers: "two" must be a list'),
    ),
    "rollout.waves.team_reviewers": Row(
        [],
        option("team_reviewers"),
        ("{rollout: {waves: [{name: a}]}, pull_requests: {team_reviewers: [one]}}", ("one",)),
        (
            "{rollout: {waves: [{name: a, team_reviewers: [two]}]}, pull_requests: {team_reviewers: [one]}}",
            ("two",),
        ),
        (
            OWN.format("team_reviewers: {a: b}"),
            "1:29: rollout.waves.0.team_reviewers: {'a': 'b'} must be a list",
        ),
    ),
    "rollout.waves.draft": Row(
        None,
        option("draft"),
        ("{rollout: {waves: [{name: a}]}, pull_requests: {draft: true}}", True),
        ("{rollout: {waves: [{name: a, draft: false}]}, pull_requests: {draft: true}}", False),
        (OWN.format("draft: no"), '1:29: rollout.waves.0.draft: "no": input should be a valid boolean'),
    ),
    "rollout.waves.automerge": Row(
        None,
        option("automerge"),
        (OWN.format("max_coverage: 100"), False),
        (OWN.format("automerge: true"), True),
        (OWN.format("automerge: 1"), "1:29: rollout.waves.0.automerge: 1: input should be a valid boolean"),
    ),
    "pull_requests.max_items": Row(
        25,
        plan_shows(most_items),
        ("pull_requests: {max_open: 500, max_new_per_run: 500}", 25),
        ("pull_requests: {max_items: 5, max_open: 500, max_new_per_run: 500}", 5),
        (
            "pull_requests: {max_items: 1001}",
            "1:17: pull_requests.max_items: 1001: input should be less than or equal to 1000",
        ),
    ),
    "pull_requests.group": Row(
        "image",
        plan_shows(puts_images_together),
        ("", False),
        ("pull_requests: {group: batch, max_open: 500, max_new_per_run: 500}", True),
        (
            "pull_requests: {group: pack}",
            "1:17: pull_requests.group: \"pack\" is not 'image' or 'batch'",
        ),
    ),
    "pull_requests.max_open": Row(
        10,
        plan_shows(lambda result: len(result.desired)),
        ("", 10),
        ("pull_requests: {max_open: 3}", 3),
        (
            "pull_requests: {max_open: -1}",
            "1:17: pull_requests.max_open: -1: input should be greater than or equal to 0",
        ),
    ),
    "pull_requests.max_new_per_run": Row(
        10,
        plan_shows(lambda result: len(result.desired)),
        ("", 10),
        ("pull_requests: {max_new_per_run: 4}", 4),
        (
            "pull_requests: {max_new_per_run: 4.5}",
            "1:17: pull_requests.max_new_per_run: 4.5: input should be a valid integer",
        ),
    ),
    "pull_requests.labels": Row(
        ["docker-image-auto-update"],
        option("labels"),
        ("", ("docker-image-auto-update",)),
        ("pull_requests: {labels: [bot, images]}", ("bot", "images")),
        ("pull_requests: {labels: [null]}", "1:26: pull_requests.labels.0: null must be text"),
    ),
    "pull_requests.branch_prefix": Row(
        "autobump/",
        plan_shows(lambda result: sorted({pr.branch.split("/")[0] for pr in result.desired})),
        ("", ["autobump"]),
        ("pull_requests: {branch_prefix: bots/}", ["bots"]),
        (
            "pull_requests: {branch_prefix: bots}",
            '1:17: pull_requests.branch_prefix: "bots": string should match pattern '
            "'^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*/$'",
        ),
    ),
    "pull_requests.release_notes": Row(
        True,
        written_files,
        ("", ["1_0_1.md", "S.yml", "pack_metadata.json"]),
        ("pull_requests: {release_notes: false}", ["S.yml"]),
        (
            "pull_requests: {release_notes: none}",
            '1:17: pull_requests.release_notes: "none": input should be a valid boolean',
        ),
    ),
    "pull_requests.draft": Row(
        False,
        option("draft"),
        ("", False),
        ("pull_requests: {draft: true}", True),
        ("pull_requests: {draft: null}", "1:17: pull_requests.draft: null: input should be a valid boolean"),
    ),
    "pull_requests.reviewers": Row(
        [],
        option("reviewers"),
        ("", ()),
        ("pull_requests: {reviewers: [one, two]}", ("one", "two")),
        ("pull_requests: {reviewers: one}", '1:17: pull_requests.reviewers: "one" must be a list'),
    ),
    "pull_requests.team_reviewers": Row(
        [],
        option("team_reviewers"),
        ("", ()),
        ("pull_requests: {team_reviewers: [a-team]}", ("a-team",)),
        (
            "pull_requests: {team_reviewers: [[a-team]]}",
            "1:34: pull_requests.team_reviewers.0: ['a-team'] must be text",
        ),
    ),
    "pull_requests.assignees": Row(
        [],
        option("assignees"),
        ("", ()),
        ("pull_requests: {assignees: [one]}", ("one",)),
        (
            "pull_requests: {assignees: [true]}",
            "1:29: pull_requests.assignees.0: true must be text; put it in quotes",
        ),
    ),
    "pull_requests.automerge": Row(
        False,
        option("automerge"),
        ("", False),
        ("pull_requests: {automerge: true}", True),
        (
            "pull_requests: {automerge: squash}",
            '1:17: pull_requests.automerge: "squash": input should be a valid boolean',
        ),
    ),
    "pull_requests.dashboard": Row(
        False,
        dashboards,
        ("pull_requests: {write_pause: 0 seconds}", 0),
        ("pull_requests: {write_pause: 0 seconds, dashboard: true}", 1),
        (
            "pull_requests: {dashboard: yes please}",
            '1:17: pull_requests.dashboard: "yes please": input should be a valid boolean',
        ),
    ),
    "pull_requests.write_pause": Row(
        "1 second",
        pace,
        ("", [1.0]),
        ("pull_requests: {write_pause: 2 minutes}", [120.0]),
        (
            "pull_requests: {write_pause: soon}",
            '1:17: pull_requests.write_pause: "soon" must be a number and a unit, such as 3 '
            "days (seconds, minutes, hours, days, weeks)",
        ),
    ),
    "verify.engine": Row(
        "none",
        engine,
        ("", None),
        ("verify: {engine: podman}", Engine("podman")),
        (
            "verify: {engine: lxc}",
            "1:10: verify.engine: \"lxc\" is not 'none', 'docker', 'podman' or 'auto'",
        ),
    ),
    "verify.level": Row(
        "load",
        verifies(lambda verifier: verifier.level.value),
        (VERIFY.format(""), "load"),
        (VERIFY.format(", level: tests"), "tests"),
        ("verify: {level: all}", "1:10: verify.level: \"all\" is not 'load' or 'tests'"),
    ),
    "verify.timeout": Row(
        "1 minute",
        verifies(lambda verifier: verifier.options.seconds),
        (VERIFY.format(""), 60),
        (VERIFY.format(", timeout: 5 minutes"), 300),
        (
            "verify: {timeout: 60}",
            "1:10: verify.timeout: 60 must be a number and a unit, such as 3 days (seconds, "
            "minutes, hours, days, weeks)",
        ),
    ),
    "verify.memory": Row(
        1 << 30,
        verifies(lambda verifier: verifier.options.bounds.memory),
        (VERIFY.format(""), 1 << 30),
        (VERIFY.format(", memory: 512 MiB"), 512 << 20),
        (
            "verify: {memory: 512}",
            "1:10: verify.memory: 512 must be a number and a unit, such as 512 MiB or 1 GiB",
        ),
    ),
    "verify.concurrency": Row(
        2,
        verifies(lambda verifier: verifier.options.containers),
        (VERIFY.format(""), 2),
        (VERIFY.format(", concurrency: 8"), 8),
        (
            "verify: {concurrency: 0}",
            "1:10: verify.concurrency: 0: input should be greater than or equal to 1",
        ),
    ),
    "verify.max_pull": Row(
        10 << 30,
        verifies(lambda verifier: verifier.max_pull),
        (VERIFY.format(""), 10 << 30),
        (VERIFY.format(", max_pull: 100 GiB"), 100 << 30),
        (
            "verify: {max_pull: 0 GiB}",
            '1:10: verify.max_pull: "0 GiB" must be a number and a unit, such as 512 MiB or 1 GiB',
        ),
    ),
    "verify.arguments": Row(
        [],
        verifies(lambda verifier: verifier.options.bounds.arguments),
        (VERIFY.format(""), ()),
        (VERIFY.format(", arguments: [--runtime=runsc]"), ("--runtime=runsc",)),
        ("verify: {arguments: --gpus}", '1:10: verify.arguments: "--gpus" must be a list'),
    ),
    "schedule.cron": Row(
        "0 3 * * 1-5",
        next_due,
        ("", "2026-06-02T03:00:00+00:00"),
        ("schedule: {cron: 30 4 * * 0}", "2026-06-07T04:30:00+00:00"),
        (
            "schedule: {cron: 0 25 * * *}",
            "1:12: schedule.cron: \"0 25 * * *\" has the hour '25', which cron does not know",
        ),
    ),
    "schedule.timezone": Row(
        "UTC",
        next_due,
        ("", "2026-06-02T03:00:00+00:00"),
        ("schedule: {timezone: Asia/Tokyo}", "2026-06-01T18:00:00+00:00"),
        (
            "schedule: {timezone: Tokio}",
            '1:12: schedule.timezone: "Tokio" is no time zone such as Europe/Berlin',
        ),
    ),
    "schedule.misfire_grace": Row(
        "1 hour",
        overdue,
        ("", "waiting"),
        ("schedule: {misfire_grace: 10 minutes}", "overdue"),
        (
            "schedule: {misfire_grace: -1 hours}",
            '1:12: schedule.misfire_grace: "-1 hours" must be a number and a unit, such as 3 '
            "days (seconds, minutes, hours, days, weeks)",
        ),
    ),
    "schedule.listen": Row(
        "127.0.0.1:9464",
        address,
        ("", ("127.0.0.1", 9464)),
        ("schedule: {listen: '[::1]:80'}", ("::1", 80)),
        ("schedule: {listen: 9464}", "1:12: schedule.listen: 9464 must be text; put it in quotes"),
    ),
    "repositories": Row(
        [],
        listed("content", "repository"),
        ("", []),
        ("repositories: [{repository: a/b}, {repository: c/d}]", ["a/b", "c/d"]),
        ("repositories: {repository: a/b}", "1:1: repositories: {'repository': 'a/b'} must be a list"),
    ),
    "repositories.repository": Row(
        ...,
        listed("content", "repository"),
        ("repositories: [{repository: a/b}]", ["a/b"]),
        ("repositories: [{repository: c/d}]", ["c/d"]),
        ("repositories: [{base: main}]", "1:16: repositories.0.repository: must be given"),
    ),
    "repositories.base": Row(
        None,
        listed("content", "base"),
        ("repositories: [{repository: a/b}]", ["master"]),
        ("repositories: [{repository: a/b, base: main}]", ["main"]),
        (
            "repositories: [{repository: a/b, base: 1}]",
            "1:34: repositories.0.base: 1 must be text; put it in quotes",
        ),
    ),
    "repositories.root": Row(
        None,
        roots,
        ("{content: {root: x}, repositories: [{repository: a/b}]}", ["x"]),
        ("{content: {root: x}, repositories: [{repository: a/b, root: y}]}", ["y"]),
        (
            "repositories: [{repository: a/b, root: /x}]",
            '1:34: repositories.0.root: "/x" must be a folder of the repository, such as Packs, or . for its '
            "top",
        ),
    ),
    "repositories.path": Row(
        None,
        own_clones,
        ("repositories: [{repository: a/b}]", [None]),
        ("repositories: [{repository: a/b, path: ../content}]", ["../content"]),
        (
            "repositories: [{repository: a/b, path: ''}]",
            '1:34: repositories.0.path: "": string should have at least 1 character',
        ),
    ),
    "repositories.policy": Row(
        None,
        listed("policy", "support"),
        ("{policy: {support: [xsoar]}, repositories: [{repository: a/b}]}", [("xsoar",)]),
        (
            "{policy: {support: [xsoar]}, repositories: [{repository: a/b, policy: {support: [partner]}}]}",
            [("partner",)],
        ),
        (
            "repositories: [{repository: a/b, policy: 1}]",
            "1:34: repositories.0.policy: 1 must be a mapping of keys",
        ),
    ),
    "repositories.rollout": Row(
        None,
        listed("rollout", "nightly_packs"),
        ("repositories: [{repository: a/b}]", [None]),
        ("repositories: [{repository: a/b, rollout: {nightly_packs: Tests/conf.json}}]", ["Tests/conf.json"]),
        (
            "repositories: [{repository: a/b, rollout: 1}]",
            "1:34: repositories.0.rollout: 1 must be a mapping of keys",
        ),
    ),
    "repositories.pull_requests": Row(
        None,
        listed("pull_requests", "max_items"),
        ("repositories: [{repository: a/b}]", [25]),
        ("repositories: [{repository: a/b, pull_requests: {max_items: 3}}]", [3]),
        (
            "repositories: [{repository: a/b, pull_requests: 1}]",
            "1:34: repositories.0.pull_requests: 1 must be a mapping of keys",
        ),
    ),
}


def walk(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its default as JSON, those of list elements, too."""
    for name, field in model.model_fields.items():
        here = f"{path}{name}"
        inner = [each for each in (field.annotation, *get_args(field.annotation)) if is_model(each)]
        if not (inner and inner[0] is field.annotation):
            default = field.default
            if isinstance(default, timedelta):
                default = write_duration(default)
            yield here, ... if default is PydanticUndefined else json.loads(json.dumps(default))
        if path != "repositories.":  # the sections of one repository are those of all, shown above
            for each in inner:
                yield from walk(each, f"{here}.")


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


KEYS = dict(walk(Settings))

COUNTS: dict[str, list[object]] = {
    "registry.namespaces": [0, 94],
    "registry.advisories": [[0, 0], [1, 1]],
    "policy.security.severity": [[1, 1], [0, 0]],
    "policy.auto_update": [13, 1],
    "policy.exclude_images": [0, 81],
    "policy.holds": [0, 8],
    "policy.holds.images": [92, 1],
    "policy.holds.paths": [92, 8],
    "policy.holds.packs": [92, 7],
    "policy.holds.items": [92, 2],
    "policy.holds.until": [0, 8],
    "rollout.coverage_report": [92, 50],
    "rollout.nightly_packs": [92, 77],
    "rollout.waves.min_coverage": [92, 22],
    "rollout.waves.max_coverage": [92, 10],
    "rollout.waves.support": [92, 1],
    "rollout.waves.nightly": [92, 15],
    "rollout.waves.packs": [92, 7],
    "rollout.waves.images": [92, 1],
    "rollout.waves.max_items": [80, 5],
}
"""What is seen in the small world where it is a number of items; all else is as in real content."""


def test_table_has_every_key() -> None:
    assert {"content.base", "policy.risk.review", "policy.holds.until", "rollout.waves.soak"} <= KEYS.keys()
    assert ROWS.keys() == KEYS.keys()


@pytest.mark.parametrize("key", ROWS)
def test_key_has_its_default(key: str) -> None:
    assert KEYS[key] == ROWS[key].default


def look_at(world: World, row: Row) -> list[object]:
    """Return what is seen without the setting and with it."""
    return [row.look(world, world.settings(text)) for text in (row.before[0], row.after[0])]


@pytest.mark.parametrize("key", ROWS)
def test_key_has_its_effect(key: str, small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    small_world.patch = monkeypatch
    row = ROWS[key]
    seen = look_at(small_world, row)
    assert seen == COUNTS.get(key, [row.before[1], row.after[1]])
    assert seen[0] != seen[1]


@pytest.mark.corpus
@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if isinstance(row.look, PlanLook)])
def test_key_has_its_effect_on_a_plan_of_real_content(key: str, world: World) -> None:
    row = ROWS[key]
    assert look_at(world, row) == [row.before[1], row.after[1]]


@pytest.mark.parametrize("key", ROWS)
def test_key_refuses_what_it_cannot_be(key: str) -> None:
    text, fault = ROWS[key].wrong
    with pytest.raises(SettingsError) as caught:
        parse_settings(text.encode(), "s.yml")
    assert str(caught.value) == f"s.yml:{fault}"
