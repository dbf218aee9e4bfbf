"""Where the list of deprecated images comes from."""

from collections.abc import Mapping
from pathlib import Path

from autobump.images.inside.deprecated import DeprecatedImage, parse_deprecated_images
from autobump.images.spelling import (
    AUTO,
    DEPRECATED_IMAGES,
    FILE,
    LIST,
    NONE,
    choose_deprecated_images,
    split_spelling,
)
from autobump.support.errors import RegistryError, UsageError
from autobump.support.files import expand_home

URL = "https://raw.githubusercontent.com/demisto/dockerfiles/master/docker/deprecated_images.json"
_MAX_BYTES = 4 * 1024 * 1024


class DeprecatedImagesSource:
    """The published list, on GitHub or in a file; nobody's list says nothing."""

    def __init__(self, path: Path | None = None, url: str = "") -> None:
        """Use a file, or an address, or neither; nothing is read yet."""
        self._path = path
        self._url = url

    @property
    def has_list(self) -> bool:
        """Whether there is a list to read."""
        return self._path is not None or bool(self._url)

    def fetch(self) -> Mapping[str, DeprecatedImage]:
        """Return the deprecated images by `namespace/name`.

        Raises:
            RegistryError: The list could not be read.
        """
        try:
            return parse_deprecated_images(self._read())
        except ValueError as exc:
            raise RegistryError(f"the list of deprecated images cannot be read: {exc}") from exc

    def _read(self) -> str:
        if self._path is not None:
            try:
                with self._path.open("rb") as file:
                    return file.read(_MAX_BYTES).decode("utf-8-sig")
            except OSError as exc:
                raise RegistryError(f"cannot read {self._path}: {exc.strerror}") from exc
        if not self._url:
            return "[]"
        from autobump.support.http.client import download

        return download(self._url).decode("utf-8-sig")


def open_deprecated_images(spelling: str, tags: str) -> DeprecatedImagesSource:
    """Open the list that `registry.deprecated_images` names.

    Args:
        spelling: See `DEPRECATED_IMAGES`; what `auto` means tells `choose_deprecated_images`.
        tags: The spelling of the tag source in use.

    Raises:
        UsageError: There is no such kind of list.
    """
    if spelling == AUTO:
        spelling = choose_deprecated_images(tags)
    kind, rest = split_spelling(spelling)
    if spelling == NONE:
        return DeprecatedImagesSource()
    if spelling == LIST:
        return DeprecatedImagesSource(url=URL)
    if kind == FILE and rest:
        return DeprecatedImagesSource(expand_home(rest))
    raise UsageError(f"{spelling!r} {DEPRECATED_IMAGES.refusal}")
