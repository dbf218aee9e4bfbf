import pytest

from autobump.content.imports import ItemCode, Use, find_imports
from autobump.decisions.describe import describe_finding
from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.decisions.risk import (
    Finding,
    FindingKind,
    ImageRisk,
    ItemRisk,
    RiskLevel,
    RiskPolicy,
)
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.pull_requests.labels import RISK_LABELS


def image(python: str | None = "3.10.1", **versions: str) -> ImageFacts:
    packages = {name.replace("_", "-"): PackageFacts(version) for name, version in versions.items()}
    return ImageFacts(python=python, packages=packages)


def between(old: ImageFacts, new: ImageFacts) -> ImageDiff:
    return ImageDiff(old, new)


def assess(
    module: str, old: ImageFacts, new: ImageFacts, *, guarded: bool = False, through: str = ""
) -> ItemRisk:
    return ImageRisk(between(old, new)).assess(ItemCode((Use(module, guarded, through),)))


def found(risk: ItemRisk) -> list[tuple[str, str]]:
    return [(finding.level.value, finding.kind.value) for finding in risk.findings]


def test_imported_package_that_is_gone_is_breaking() -> None:
    risk = assess("bs4.BeautifulSoup", image(beautifulsoup4="4.10.0"), image())
    assert found(risk) == [("breaking", "removed")]
    assert describe_finding(risk.findings[0]) == (
        "imports bs4 of the package beautifulsoup4 4.10.0, which the new image lacks"
    )


def test_package_that_another_one_replaces_is_not_gone() -> None:
    assert assess("Crypto.Cipher", image(pycrypto="2.6.1"), image(pycryptodome="3.23.0")).findings == ()


def test_import_that_may_fail_is_to_be_looked_at() -> None:
    assert found(assess("bs4", image(beautifulsoup4="4.10.0"), image(), guarded=True)) == [
        ("review", "removed")
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("TYPE_CHECKING", []),
        ("sys.version_info < (3,)", []),  # neither image
        ("sys.version_info < (3, 11)", []),  # the old image alone
        ("sys.version_info >= (3, 11)", [("breaking", "removed")]),  # the new image alone
        ("sys.version_info >= (3, 9)", [("breaking", "removed")]),  # both
    ],
)
def test_import_that_the_new_python_does_not_run_is_no_risk(
    condition: str, expected: list[tuple[str, str]]
) -> None:
    code = _code_of(f"if {condition}:\n  import bs4\n")
    change = between(image("3.10.1", beautifulsoup4="4.10.0"), image("3.12.13"))
    assert found(ImageRisk(change).assess(code)) == [*expected, ("review", "python")]


def test_import_that_the_old_python_did_not_run_takes_the_new_package_as_it_is() -> None:
    code = _code_of("if sys.version_info >= (3, 11):\n  import sqlalchemy\n  import not_published\n")
    change = between(image("3.10.1", sqlalchemy="1.3.0"), image("3.12.13", sqlalchemy="2.0.0"))
    risk = ImageRisk(change).assess(code)
    assert found(risk) == [("review", "python"), ("review", "already-missing")]
    assert describe_finding(risk.findings[1]).startswith("imports not_published, which neither image")


def test_import_of_a_python_that_is_not_known_counts() -> None:
    code = _code_of("if sys.version_info < (3,):\n  import bs4\n")
    change = between(image(None, beautifulsoup4="4.10.0"), image(None))
    assert found(ImageRisk(change).assess(code)) == [("breaking", "removed")]


def test_module_that_is_needed_on_one_python_is_not_needed_on_another() -> None:
    source = "if sys.version_info < (3,):\n  import bs4\ntry:\n  import bs4\nexcept ImportError:\n  pass\n"
    change = between(image(beautifulsoup4="4.10.0"), image())
    assert found(ImageRisk(change).assess(_code_of(source))) == [("review", "removed")]


def _code_of(source: str) -> ItemCode:
    return ItemCode(find_imports(source))


def test_package_that_comes_in_under_a_known_name_s_look_is_breaking() -> None:
    risk = assess("json", image(), image(reqeusts="1.0"))
    assert risk.level is RiskLevel.BREAKING
    assert [(one.kind, one.package, one.detail) for one in risk.findings] == [
        (FindingKind.LOOKALIKE, "reqeusts", "requests")
    ]


def test_package_nobody_imports_may_go() -> None:
    assert assess("requests", image(beautifulsoup4="4", requests="2.1"), image(requests="2.2")).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1.3.23", "2.0.50", [("review", "major")]),
        ("2.0.50", "2.0.1", [("review", "downgraded")]),
        ("2.0-x-y", "2.1-x", [("review", "changed")]),
        ("1.3.23", "1.4.0", []),
        ("2021.1", "2026.1", []),
    ],
)
def test_imported_package_that_changes_much_is_to_be_looked_at(
    old: str, new: str, expected: list[tuple[str, str]]
) -> None:
    assert found(assess("sqlalchemy", image(SQLAlchemy=old), image(sqlalchemy=new))) == expected


def test_python_that_changes_its_minor_version_is_to_be_looked_at() -> None:
    risk = assess("json", image("3.9.8"), image("3.10.1"))
    assert found(risk) == [("review", "python")]
    assert (
        describe_finding(risk.findings[0], lambda text: f"`{text}`")
        == "Python changes from `3.9.8` to `3.10.1`"
    )


@pytest.mark.parametrize("module", ["imp", "distutils.version", "cgi"])
def test_module_that_left_the_standard_library_is_breaking(module: str) -> None:
    old, new = ("2.7.18", "3.13.1") if module == "cgi" else ("3.11.9", "3.12.13")
    assert found(assess(module, image(old), image(new)))[0] == ("breaking", "left-standard-library")


def test_setuptools_stands_in_for_distutils() -> None:
    assert found(assess("distutils.util", image("3.11.9"), image("3.12.13", setuptools="82.0"))) == [
        ("review", "python")
    ]


def test_module_that_was_never_there_is_reported() -> None:
    assert found(assess("no_such_module", image(), image())) == [("already-missing", "already-missing")]
    assert assess("no_such_module", image(), image(), guarded=True).findings == ()


@pytest.mark.parametrize(
    "module", ["demistomock", "CommonServerPython", "CommonServerUserPython", "JSONFeedApiModule"]
)
def test_modules_of_the_platform_are_always_there(module: str) -> None:
    assert assess(module, image(), image()).findings == ()


def test_module_below_a_shared_namespace_is_not_called_missing() -> None:
    assert assess("google.no_such_part", image(), image()).findings == ()


@pytest.mark.parametrize("old", [image(pip="21.2"), image(), ImageFacts()])
@pytest.mark.parametrize("new", [image(pip="26.0"), image()])
def test_pip_is_told_nowhere(old: ImageFacts, new: ImageFacts) -> None:
    assert assess("pip", old, new).findings == ()


def test_name_alone_is_no_proof() -> None:
    assert found(assess("unheard_of", image(unheard_of="1"), image())) == [("review", "removed")]
    assert assess("unheard_of", image(unheard_of="1"), image(unheard_of="2")).findings == ()


def test_shared_module_is_named() -> None:
    risk = assess(
        "cryptography.x509",
        image(cryptography="35.0"),
        image(cryptography="48.0"),
        through="MicrosoftApiModule",
    )
    assert "(through MicrosoftApiModule)" in describe_finding(risk.findings[0])


def test_package_is_named_once_however_often_it_is_imported() -> None:
    uses = tuple(Use(f"sqlalchemy.{name}", guarded=False) for name in ("orm", "engine", "sql"))
    diff = between(image(sqlalchemy="1.3"), image(sqlalchemy="2.0"))
    assert len(ImageRisk(diff).assess(ItemCode(uses)).findings) == 1


def test_worst_finding_comes_first_and_decides() -> None:
    uses = (Use("sqlalchemy", guarded=False), Use("bs4", guarded=False), Use("nowhere", guarded=False))
    old, new = image("3.9.1", sqlalchemy="1.3", beautifulsoup4="4"), image("3.10.1", sqlalchemy="2.0")
    risk = ImageRisk(between(old, new)).assess(ItemCode(uses))
    assert [level for level, _ in found(risk)] == ["breaking", "review", "review", "already-missing"]
    assert risk.level is RiskLevel.BREAKING


def test_unknown_image_is_no_safe_one() -> None:
    risk = ImageRisk(between(ImageFacts(), ImageFacts())).assess(ItemCode((Use("bs4", guarded=False),)))
    assert (risk.known, risk.level) == (False, RiskLevel.NONE)


def test_unknown_packages_or_python_give_no_findings() -> None:
    assert assess("bs4", image(beautifulsoup4="4"), ImageFacts(python="3.10.1")).findings == ()
    assert assess("nowhere", image(None), image(None)).findings == ()
    assert assess("nowhere", ImageFacts(), image(None)).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (ImageFacts(), image(), "the old image is not known, imports are compared with the new one alone"),
        (image(), ImageFacts(python="3.10.1"), "the new image is not known"),
        (ImageFacts(), ImageFacts(), "the old and the new image is not known"),
    ],
)
def test_side_that_is_not_known_is_named(old: ImageFacts, new: ImageFacts, note: str) -> None:
    risk = assess("json", old, new)
    assert (risk.note, risk.known, risk.checked) == (f"what is inside {note}", False, False)


@pytest.mark.parametrize(
    ("module", "guarded", "expected"),
    [
        ("bs4.BeautifulSoup", False, [("review", "missing")]),
        ("bs4", True, []),  # whether it ever was there nobody can tell
        ("nowhere", False, [("review", "missing")]),
        ("cStringIO", False, [("review", "missing")]),
        ("google.no_such_part", False, []),  # a shared namespace may well have it
        ("unheard_of", False, []),
        ("requests", False, []),
        ("json", False, []),
        ("CommonServerPython", False, []),
    ],
)
def test_imports_are_held_to_the_new_image_when_the_old_one_is_not_known(
    module: str, guarded: bool, expected: list[tuple[str, str]]
) -> None:
    risk = assess(module, ImageFacts(), image(requests="2", unheard_of="1"), guarded=guarded)
    assert found(risk) == expected


def test_import_that_only_the_new_image_is_known_to_lack_says_so() -> None:
    risk = assess("bs4", ImageFacts(), image())
    assert describe_finding(risk.findings[0]) == (
        "imports bs4, which the new image lacks, and whether the old one has it is not known"
    )


def test_code_that_is_not_read_is_not_said_to_be_compared() -> None:
    risk = ImageRisk(between(ImageFacts(), image())).assess(
        ItemCode(absent="PowerShell code is not analysed")
    )
    assert risk.note == "what is inside the old image is not known, and PowerShell code is not analysed"


def test_item_without_code_says_so() -> None:
    risk = ImageRisk(between(image(), image())).assess(ItemCode(absent="PowerShell code is not analysed"))
    assert (risk.note, risk.known) == ("PowerShell code is not analysed", True)


@pytest.mark.parametrize(
    ("policy", "level", "risk_group", "holds", "label"),
    [
        (RiskPolicy(), RiskLevel.BREAKING, "breaking", False, "autobump:breaking"),
        (RiskPolicy(), RiskLevel.REVIEW, "", False, "autobump:review"),
        (RiskPolicy(), RiskLevel.NONE, "", False, ""),
        (RiskPolicy(), RiskLevel.ALREADY_MISSING, "", False, ""),
        (RiskPolicy("hold"), RiskLevel.BREAKING, "", True, "autobump:breaking"),
        (RiskPolicy("ignore"), RiskLevel.BREAKING, "", False, ""),
        (RiskPolicy(review="separate"), RiskLevel.REVIEW, "review", False, "autobump:review"),
        (RiskPolicy(review="ignore"), RiskLevel.REVIEW, "", False, ""),
    ],
)
def test_policy_says_what_becomes_of_items_at_risk(
    policy: RiskPolicy, level: RiskLevel, risk_group: str, holds: bool, label: str
) -> None:
    marked = RISK_LABELS[level] if policy.marks(level) else ""
    assert (policy.risk_group(level), policy.holds(level), marked) == (risk_group, holds, label)


@pytest.mark.parametrize("kind", list(FindingKind))
def test_every_finding_reads_as_a_sentence(kind: FindingKind) -> None:
    use = None if kind is FindingKind.PYTHON else Use("module", guarded=True)
    text = describe_finding(Finding(RiskLevel.REVIEW, kind, use, "package", "1", "2", "NameError: x"))
    begins = (
        "imports module",
        "Python changes from 1 to 2",
        "fails when it is run in the new image: NameError: x",
        "the package package, which comes in, is known to do harm: NameError: x",
        "the package package, which comes in, is named almost like NameError: x",
        "fixes no known vulnerability and brings in NameError: x, such as in the package package",
    )
    assert text.startswith(begins)


PACKAGES = (
    "flask",
    "gevent",
    "werkzeug",
    "jinja2",
    "click",
    "requests",
    "urllib3",
    "lxml",
    "pandas",
    "numpy",
)


def test_of_two_imports_of_a_package_the_item_s_own_is_told() -> None:
    old, new = (
        ImageFacts(packages={name: PackageFacts(version, "") for name in PACKAGES})
        for version in ("1.0", "2.0")
    )
    # More than one, as their order in a set is another one in every process.
    uses = [
        Use(name, guarded=False, through=through) for through in ("NGINXApiModule", "") for name in PACKAGES
    ]
    risk = ImageRisk(ImageDiff(old, new)).assess(ItemCode(tuple(uses)))
    assert [(finding.package, finding.use.through) for finding in risk.findings if finding.use] == [
        (name, "") for name in sorted(PACKAGES)
    ]


def run(verdict: str, level: Level = Level.LOAD, detail: str = "") -> Evidence:
    return Evidence(level, Verdict(verdict), detail)


EVERY = tuple(
    Finding(level, kind, Use("a", guarded=False))
    for level, kind in (
        (RiskLevel.BREAKING, FindingKind.REMOVED),
        (RiskLevel.BREAKING, FindingKind.LEFT_STANDARD_LIBRARY),
        (RiskLevel.REVIEW, FindingKind.DOWNGRADED),
        (RiskLevel.REVIEW, FindingKind.MAJOR),
        (RiskLevel.REVIEW, FindingKind.CHANGED),
        (RiskLevel.REVIEW, FindingKind.PYTHON),
        (RiskLevel.REVIEW, FindingKind.ALREADY_MISSING),
        (RiskLevel.REVIEW, FindingKind.MISSING),
    )
)
OF_PACKAGES = ["changed", "downgraded", "major"]
GONE_OR_PYTHON = ["already-missing", "left-standard-library", "missing", "python", "removed"]


def kinds(findings: tuple[Finding, ...]) -> list[str]:
    return sorted(finding.kind.value for finding in findings)


@pytest.mark.parametrize(
    ("evidence", "left", "settled"),
    [
        (run("same"), OF_PACKAGES, GONE_OR_PYTHON),
        (run("mends"), OF_PACKAGES, GONE_OR_PYTHON),
        (run("same", Level.TESTS), [], sorted(OF_PACKAGES + GONE_OR_PYTHON)),
        (run("mends", Level.TESTS), [], sorted(OF_PACKAGES + GONE_OR_PYTHON)),
        (run("inconclusive", Level.TESTS), sorted(OF_PACKAGES + GONE_OR_PYTHON), []),
        (run("not-run", Level.TESTS), sorted(OF_PACKAGES + GONE_OR_PYTHON), []),
        (run("breaks", Level.TESTS), sorted([*OF_PACKAGES, *GONE_OR_PYTHON, "evidence"]), []),
    ],
)
def test_evidence_settles_what_it_shows_to_be_no_concern(
    evidence: Evidence, left: list[str], settled: list[str]
) -> None:
    risk = ItemRisk(EVERY).with_evidence(evidence)
    assert (kinds(risk.findings), kinds(risk.settled)) == (left, settled)
    assert risk.evidence is evidence


def test_item_that_breaks_is_breaking_whatever_was_inferred() -> None:
    risk = ItemRisk(note="not known", known=False).with_evidence(run("breaks", detail="NameError: x"))
    assert (risk.level, risk.known) == (RiskLevel.BREAKING, True)
    assert describe_finding(risk.findings[0]) == "fails when it is run in the new image: NameError: x"


def test_failure_comes_before_every_other_finding() -> None:
    assert ItemRisk(EVERY).with_evidence(run("breaks")).findings[0].kind is FindingKind.EVIDENCE


def test_what_is_settled_counts_no_more() -> None:
    python = ItemRisk((Finding(RiskLevel.REVIEW, FindingKind.PYTHON, None, old="3.9", new="3.12"),))
    assert python.level is RiskLevel.REVIEW
    assert python.with_evidence(run("same")).level is RiskLevel.NONE


def test_evidence_does_not_tell_what_is_inside_an_image() -> None:
    unknown = ItemRisk(note="not known", known=False)
    assert not unknown.with_evidence(run("same", Level.TESTS)).known


@pytest.mark.parametrize(
    ("verdict", "checked"),
    [("same", True), ("mends", False), ("inconclusive", False), ("not-run", False), ("breaks", True)],
)
def test_run_that_is_alike_checks_what_lists_cannot(verdict: str, checked: bool) -> None:
    unknown = ItemRisk(note="not known", known=False)
    assert unknown.with_evidence(run(verdict)).checked is checked
    assert ItemRisk().with_evidence(run(verdict)).checked
