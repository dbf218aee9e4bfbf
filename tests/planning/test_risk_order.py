from autobump.content.code import ItemCode, Use
from autobump.images.facts import ImageFacts, PackageFacts
from autobump.images.inside import compare_images
from autobump.planning.risk import assess_item

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
    risk = assess_item(ItemCode(tuple(uses)), compare_images(old, new))
    assert [(finding.package, finding.use.through) for finding in risk.findings if finding.use] == [
        (name, "") for name in sorted(PACKAGES)
    ]
