from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from autobump.images.advisories.record import Installed, Record, Severity
from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.images.inside.system import InstalledOfSystem, SystemPackage
from autobump.images.known import KnownImages
from autobump.support.errors import RegistryError
from autobump.support.progress import Silent

IMAGE = "demisto/python3"
OLD = ImageFacts(
    system="Alpine Linux v3.17",
    packages={"six": PackageFacts("1.0")},
    system_packages={"libssl": SystemPackage("3.0-r0", "openssl"), "zlib": SystemPackage("1-r0", "zlib")},
)
NEW = replace(
    OLD,
    system="Alpine Linux v3.20",
    system_packages={"libssl": SystemPackage("3.3-r0", "openssl"), "zlib": SystemPackage("1-r0", "zlib")},
)


class Facts:
    def __init__(self, *tags: ImageFacts) -> None:
        self.tags = tags

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        pass

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        return self.tags[int(tag)]


class Advisories:
    """Knows one record of openssl on Alpine 3.17, and none of Python."""

    def __init__(self, answer: Mapping[InstalledOfSystem, tuple[Record, ...]] | None = None) -> None:
        self.answer = answer
        self.asked: list[InstalledOfSystem] = []

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        return {}

    def find_of_system(
        self, wanted: Iterable[InstalledOfSystem]
    ) -> Mapping[InstalledOfSystem, tuple[Record, ...]] | None:
        self.asked += wanted
        return self.answer


class Unreachable(Advisories):
    def find_of_system(
        self, wanted: Iterable[InstalledOfSystem]
    ) -> Mapping[InstalledOfSystem, tuple[Record, ...]] | None:
        raise RegistryError("no answer")


RECORD = Record("ALPINE-CVE-2023-1", ("CVE-2023-1",), "It does harm", Severity.HIGH)
FOUND = {InstalledOfSystem("Alpine:v3.17", "openssl", "3.0-r0"): (RECORD,)}


def known_images(advisories: Advisories, new: ImageFacts = NEW) -> KnownImages:
    known = KnownImages(Facts(OLD, new), 1, Silent(), advisories)
    tags = [(IMAGE, "0"), (IMAGE, "1")]
    known.learn(tags)
    known.learn_advisories(tags)
    return known


def test_vulnerability_of_the_system_is_fixed_like_any_other() -> None:
    advisories = Advisories(FOUND)
    diff = known_images(advisories).advisory_diff(IMAGE, "0", "1")
    assert [(one.id, one.packages, one.severity) for one in diff.fixed] == [
        ("ALPINE-CVE-2023-1", ("openssl (Alpine)",), Severity.HIGH)
    ]
    assert (diff.known, diff.introduced, diff.remaining) == (True, (), ())
    assert len(advisories.asked) == len(set(advisories.asked)) == 4


def test_system_that_is_not_known_on_one_side_tells_nothing_of_the_other() -> None:
    new = replace(NEW, system="Debian GNU/Linux 12 (bookworm)")
    diff = known_images(Advisories(FOUND), new).advisory_diff(IMAGE, "0", "1")
    assert (diff.known, diff.fixed) == (True, ())


def test_source_without_systems_tells_packages_of_python_alone() -> None:
    for advisories in (Advisories(None), Unreachable()):
        diff = known_images(advisories).advisory_diff(IMAGE, "0", "1")
        assert (diff.known, diff.fixed) == (True, ())
