"""What a bump fixes, what it brings in, and what remains."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec import Struct, field

from autobump.images.advisories.record import MALICIOUS, Record, Severity

_URL = "https://osv.dev/vulnerability/"
_WORDS = {Severity.UNKNOWN: "of unknown severity"}
_PREFERRED = (MALICIOUS, "GHSA-", "PYSEC-", "CVE-")


class Advisory(Struct, frozen=True):
    """One vulnerability, by whatever names it is known.

    Attributes:
        id: The one it is told by.
        aliases: The others, sorted.
        severity: How bad it is.
        packages: Packages of the image that have it, by `package_key`, sorted.
        summary: A line of text from outside.
    """

    id: str
    aliases: tuple[str, ...]
    severity: Severity
    packages: tuple[str, ...]
    summary: str

    @property
    def url(self) -> str:
        """Where people read of it."""
        return f"{_URL}{self.id}"

    @property
    def is_malicious(self) -> bool:
        """Whether a package does harm."""
        return self.id.startswith(MALICIOUS)


class AdvisoryDiff(Struct, frozen=True):
    """What changes between two images.

    Attributes:
        fixed: What only the older one has, the worst first, then by id.
        introduced: What only the newer one has.
        remaining: What both have.
        known: False when it is not known; then all are empty.
    """

    fixed: tuple[Advisory, ...] = ()
    introduced: tuple[Advisory, ...] = ()
    remaining: tuple[Advisory, ...] = ()
    known: bool = True

    @property
    def changes(self) -> tuple[tuple[str, Advisory], ...]:
        """What comes in and what is fixed, each with the word for it."""
        brought = tuple(("brings in", one) for one in self.introduced)
        return brought + tuple(("fixes", one) for one in self.fixed)

    def fixes(self, severity: Severity) -> bool:
        """Whether something of at least a severity is fixed."""
        return any(one.severity.reaches(severity) for one in self.fixed)


class _Group(Struct):
    """Records of one vulnerability, and which of the two images have it."""

    records: list[Record] = field(default_factory=list)
    old: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)


Matches = Mapping[str, Iterable[Record]]
"""The records that affect an image, by the `package_key` that has them."""


def compare_matches(old: Matches, new: Matches) -> AdvisoryDiff:
    """Say what is fixed, introduced and remains.

    Args:
        old: What affects the older image.
        new: What affects the newer one.

    Records that share an id or an alias, directly or through others, are one vulnerability.
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    pairs = [("old", package, record) for package, records in old.items() for record in records]
    pairs += [("new", package, record) for package, records in new.items() for record in records]
    for _, _, record in pairs:
        for alias in record.aliases:
            leader[find(alias)] = find(record.id)
    groups: dict[str, _Group] = {}
    for side, package, record in pairs:
        group = groups.setdefault(find(record.id), _Group())
        if record not in group.records:
            group.records.append(record)
        (group.old if side == "old" else group.new).add(package)
    fixed = [_advisory(group, group.old) for group in groups.values() if not group.new]
    introduced = [_advisory(group, group.new) for group in groups.values() if not group.old]
    remaining = [_advisory(group, group.new) for group in groups.values() if group.old and group.new]
    return AdvisoryDiff(_sorted(fixed), _sorted(introduced), _sorted(remaining))


def _advisory(group: _Group, packages: set[str]) -> Advisory:
    return _tell(tuple(group.records), tuple(sorted(packages)))


# Images hold much the same packages, and so have the same vulnerabilities.
@lru_cache(maxsize=1 << 14)
def _tell(records: tuple[Record, ...], packages: tuple[str, ...]) -> Advisory:
    records = tuple(sorted(records, key=lambda record: (_preference(record.id), record.id)))
    names = {record.id for record in records} | {alias for record in records for alias in record.aliases}
    shown = records[0].id
    severity = max((record.severity for record in records), key=lambda severity: severity.rank)
    summary = next((record.summary for record in records if record.summary), "")
    return Advisory(shown, tuple(sorted(names - {shown})), severity, packages, summary)


def _preference(name: str) -> int:
    return next((rank for rank, prefix in enumerate(_PREFERRED) if name.startswith(prefix)), len(_PREFERRED))


def _sorted(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    return tuple(sorted(advisories, key=lambda one: (-one.severity.rank, one.id)))


def count_severities(advisories: Iterable[Advisory]) -> str:
    """Say how many there are of each severity, the worst first, such as `2 high, 1 medium`."""
    counts = Counter(one.severity for one in advisories)
    told = [(counts[severity], _WORDS.get(severity, severity.value)) for severity in Severity]
    return ", ".join(f"{number:,} {word}" for number, word in told if number)


def merge(diffs: Iterable[AdvisoryDiff]) -> AdvisoryDiff:
    """Return what several old tags and one target have together; known when one of them is.

    What any of them fixes or brings in counts; what remains for one may be fixed for another.
    """
    known = [diff for diff in diffs if diff.known]
    if not known:
        return AdvisoryDiff(known=False)
    fixed, introduced, remaining = (
        {one.id: one for diff in known for one in getattr(diff, name)}
        for name in ("fixed", "introduced", "remaining")
    )
    return AdvisoryDiff(_sorted(fixed.values()), _sorted(introduced.values()), _sorted(remaining.values()))
