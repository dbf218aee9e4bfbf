"""Which registry an image lives in, which of them the settings know, and what is trusted there."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct, field

from autobump.images.reference import ImageRef, parse_image_ref, split_registry
from autobump.images.spelling import DOCKER_HUB, FILE, OCI, PAGES, split_spelling

HUB = "docker.io"
"""Docker Hub, however it is spelled."""

NAMESPACES = ("demisto", "demistoextended")
"""Namespaces that are trusted by default.

Source: DO101 of demisto-sdk, which takes images of these two.
"""

_HUB_SPELLINGS = frozenset({"", HUB, "index.docker.io", "registry-1.docker.io"})
_HUB_MIRRORS = (("gcr.io", "xsoar-registry/"),)
"""Folders of other registries that hold the images of Docker Hub; this one is the platform's own."""


class RegistryHost(Struct, frozen=True):
    """What the settings say of one registry.

    Attributes:
        source: Where the tags of its images come from, see `TAG_SOURCE`.
        prefix: Folders before the namespace, which items may name or leave out; without `/` at the ends.
        namespaces: Trusted there; None for those that are trusted on Docker Hub.
    """

    source: str
    prefix: str = ""
    namespaces: tuple[str, ...] | None = None


class Place(Struct, frozen=True):
    """Where an image is looked up.

    Attributes:
        source: The source that knows it, see `TAG_SOURCE`.
        host: Its registry in lower case; `HUB` for every spelling of Docker Hub.
        names: What the source may call it; the first that a file has counts, other sources have one.
        trusted: Namespaces that are trusted in that registry.
        is_trusted: Whether its own is one of them.
    """

    source: str
    host: str
    names: tuple[str, ...]
    trusted: tuple[str, ...] = ()
    is_trusted: bool = False


class Registries(Struct, frozen=True):
    """The registries that the settings know.

    Attributes:
        source: Where the tags of Docker Hub's images come from, see `TAG_SOURCE`.
        namespaces: Trusted on Docker Hub; with a registry before it, trusted there.
        hosts: Other registries by host, as `canonical_host` writes it.
    """

    source: str = DOCKER_HUB
    namespaces: tuple[str, ...] = NAMESPACES
    hosts: Mapping[str, RegistryHost] = field(default_factory=dict)

    def find_place(self, image: ImageRef) -> Place | None:
        """Return where an image is looked up, or None when its registry is not known.

        `host/namespace` in the namespaces makes the host known if the one source can be meant: a file, which
        says of any image what its registry holds, the registry itself, or any registry when no other host is
        trusted.
        """
        host, path = locate(image)
        entry = self.hosts.get(host)
        named = self._trusted(host)
        if entry is not None:
            relative = path.removeprefix(f"{entry.prefix}/") if entry.prefix else path
            usual = self._trusted(HUB) if entry.namespaces is None else entry.namespaces
            trusted = tuple(dict.fromkeys((*usual, *named))) if host != HUB else usual
            owners = {one.rpartition("/")[0] for one in (path, relative)}
            names = _names(entry.source, host, path, relative, entry.prefix)
            return Place(entry.source, host, names, trusted, not owners.isdisjoint(trusted))
        if host != HUB and not (named and self._answers_for(host)):
            return None
        is_trusted = path.rpartition("/")[0] in named
        return Place(self.source, host, _names(self.source, host, path, path), named, is_trusted)

    def find_asked(self, image: ImageRef) -> Place | None:
        """Return where an image is looked up that a person names; whether it is trusted does not count."""
        if place := self.find_place(image):
            return place
        host, path = locate(image)
        if split_spelling(self.source).kind == FILE:
            return Place(self.source, host, (f"{host}/{path}",))
        if self._is_own(host):
            return Place(self.source, host, _names(self.source, host, path, path))
        return None

    def find_address(self, image: ImageRef) -> tuple[str, bool]:
        """Return registry and path that an engine pulls an image from, and whether it speaks plain HTTP.

        A source that is a registry is asked itself; a list of tags says nothing of where images are.
        """
        place = self.find_place(image)
        kind, address = split_spelling(place.source) if place else ("", "")
        if place is None or kind != OCI:
            host, path = locate(image)
            return f"{host}/{path}", False
        url = urlsplit(address)
        parts = (url.netloc, url.path.strip("/"), place.names[0])
        return "/".join(part for part in parts if part), url.scheme == "http"

    def explain_unknown(self, image: ImageRef) -> str:
        """Say why a registry is not known, and what to do."""
        host, _ = locate(image)
        if self._trusted(host):
            return (
                f"registry.namespaces trusts {host}, but {self.source} is not the source of its tags; "
                "name that in registry.hosts"
            )
        return f"there is no source for the tags of {host}; name it in registry.hosts"

    def unanswered(self) -> Iterator[int]:
        """Yield the number of each namespace on a host that no source answers for."""
        for number, namespace in enumerate(self.namespaces):
            host, _ = locate_namespace(namespace)
            if host != HUB and host not in self.hosts and not self._answers_for(host):
                yield number

    def _trusted(self, host: str) -> tuple[str, ...]:
        """Return the namespaces on a host that the list of all namespaces names."""
        located = map(locate_namespace, self.namespaces)
        return tuple(namespace for where, namespace in located if where == host)

    def _answers_for(self, host: str) -> bool:
        """Whether the one source can be meant for a host that the namespaces name."""
        kind = split_spelling(self.source).kind
        hosts = {locate_namespace(namespace)[0] for namespace in self.namespaces}
        return kind == FILE or (kind == OCI and (self._is_own(host) or hosts == {host}))

    def _is_own(self, host: str) -> bool:
        """Whether the one source is the registry of a host itself."""
        kind, address = split_spelling(self.source)
        return kind == OCI and canonical_host(urlsplit(address).netloc) == host


def canonical_host(host: str) -> str:
    """Return a host as it is compared: in lower case, and `HUB` for every spelling of Docker Hub."""
    host = host.lower()
    return HUB if host in _HUB_SPELLINGS else host


def locate(image: ImageRef) -> tuple[str, str]:
    """Return the registry of an image, and its path there; of a mirror of Docker Hub, those on Docker Hub."""
    return _locate(image.registry, image.path, 2)


@lru_cache(maxsize=1 << 10)
def locate_namespace(namespace: str) -> tuple[str, str]:
    """Return the registry that a namespace of the settings is in, and the namespace there."""
    return _locate(*split_registry(namespace), 1)


def _locate(registry: str, path: str, least_parts: int) -> tuple[str, str]:
    host = canonical_host(registry)
    for mirror, folder in _HUB_MIRRORS:
        rest = path.removeprefix(folder)
        if host == mirror and rest != path and rest.count("/") >= least_parts - 1:
            return HUB, rest
    return host, path


@lru_cache(maxsize=1 << 12)
def full_name(repository: str) -> str:
    """Return what tells an image from all others: `namespace/name` on Docker Hub, else with its registry.

    Args:
        repository: The image as it is written, without a tag; what is no image is returned as it is.
    """
    try:
        host, path = locate(parse_image_ref(repository))
    except ValueError:
        return repository
    return path if host == HUB else f"{host}/{path}"


@lru_cache(maxsize=1 << 12)
def names_of(repository: str) -> tuple[str, ...]:
    """Return the names that settings may call an image by: as items write it, in full, without a registry."""
    return tuple(dict.fromkeys((repository, full_name(repository), split_registry(repository)[1])))


def _names(source: str, host: str, path: str, relative: str, prefix: str = "") -> tuple[str, ...]:
    """Return what a source calls an image.

    Args:
        source: The source.
        host: The registry.
        path: Path of the image there.
        relative: The same without the prefix.
        prefix: Folders before the namespace.
    """
    kind, rest = split_spelling(source)
    last_two = "/".join(relative.split("/")[-2:])
    match kind:
        case _ if kind == FILE:
            full = (path,) if host == HUB else (f"{host}/{path}", f"{host}/{relative}", path)
            return tuple(dict.fromkeys((*full, relative, last_two)))
        case _ if kind in (DOCKER_HUB, PAGES):
            return (last_two,)  # Docker Hub knows no deeper ones
        case _ if prefix:
            return (f"{prefix}/{relative}",)
    folder = urlsplit(rest).path.strip("/")
    return (relative.removeprefix(f"{folder}/") if folder else relative,)
