"""Addresses: whose they are, where they lead, and how they are shown."""

from urllib.parse import urljoin, urlsplit

from autobump.support.errors import RegistryError


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port."""
    return origin(one) == origin(other)


def resolve_address(base: str, reference: str) -> str:
    """Return the address that a server refers to, relative to another one.

    Raises:
        RegistryError: It is none.
    """
    try:
        address = urljoin(base, reference)
    except ValueError as exc:
        raise RegistryError(f"{shown_url(base)} names an address that is none") from exc
    origin(address)
    return address


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host in lower case, and port.

    Raises:
        RegistryError: It is no address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError as exc:
        raise RegistryError(f"{url[:100]!r} is no address") from exc
    return parts.scheme, (parts.hostname or "").lower(), port


def shown_url(url: str) -> str:
    """Return a URL without user, query and fragment, none of which a message needs."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
