"""How sources are spelled, in the settings and on the command line: the only place that knows."""

from typing import NamedTuple

DOCKER_HUB = "dockerhub"
OCI = "oci"
PAGES = "dockerfiles-info"
LIST = "dockerfiles"
FILE = "file"
AUTO = "auto"
NONE = "none"
OSV = "osv"


class Spelling(NamedTuple):
    """A spelling in its two parts, such as `oci` and `https://host`; `rest` may be empty."""

    kind: str
    rest: str


class SourceGrammar(NamedTuple):
    """What may stand for one kind of source.

    Attributes:
        noun: What it is, with its article.
        forms: How it may be written, for people.
        pattern: The same as a regular expression for the whole text.
    """

    noun: str
    forms: tuple[str, ...]
    pattern: str

    @property
    def choice(self) -> str:
        """The forms as one text, `a, b or c`."""
        return f"{', '.join(self.forms[:-1])} or {self.forms[-1]}"

    @property
    def refusal(self) -> str:
        """The rest of a sentence that begins with what is no such spelling."""
        return f"is no {self.noun}; use {self.choice}"


TAG_SOURCE = SourceGrammar(
    "tag source",
    (DOCKER_HUB, f"{OCI}:https://host[/prefix]", f"{PAGES}[:PATH]", f"{FILE}:PATH"),
    rf"{DOCKER_HUB}|{OCI}:https?://.+|{PAGES}(:.+)?|{FILE}:.+",
)
FACTS_SOURCE = SourceGrammar(
    "source of image facts",
    (AUTO, NONE, f"{PAGES}[:PATH]", f"{FILE}:PATH"),
    rf"{AUTO}|{NONE}|{PAGES}(:.+)?|{FILE}:.+",
)
DEPRECATED_IMAGES = SourceGrammar(
    "list of deprecated images",
    (AUTO, NONE, LIST, f"{FILE}:PATH"),
    rf"{AUTO}|{NONE}|{LIST}|{FILE}:.+",
)

ADVISORIES = SourceGrammar(
    "source of advisories",
    (NONE, OSV, f"{OSV}:URL", f"{FILE}:PATH"),
    rf"{NONE}|{OSV}(:https?://.+)?|{FILE}:.+",
)


def split_spelling(text: str) -> Spelling:
    """Return the kind of a source, and what stands behind its colon."""
    kind, _, rest = text.partition(":")
    return Spelling(kind, rest)


def choose_facts(tags: str) -> str:
    """Return what `registry.facts: auto` means for a source of tags.

    The published pages for Docker Hub, the pages or the file that the tags come from, and nothing for other
    registries.
    """
    if tags == DOCKER_HUB:
        return PAGES
    return NONE if split_spelling(tags).kind == OCI else tags


def choose_advisories(tags: str, *, is_remote: bool) -> str:
    """Return what `registry.advisories: null` means.

    The service of osv.dev for pull requests on GitHub from the tags and pages that are published for all; who
    keeps tags elsewhere may have no way out, and would not want to tell others what images hold.

    Args:
        tags: The spelling of the tag source in use.
        is_remote: Whether pull requests are made on GitHub.
    """
    return OSV if is_remote and split_spelling(tags).kind in (DOCKER_HUB, PAGES) else NONE


def choose_deprecated_images(tags: str) -> str:
    """Return what `registry.deprecated_images: auto` means for a source of tags.

    GitHub's list for Docker Hub and the published pages, and none for others.
    """
    return LIST if tags in (DOCKER_HUB, PAGES) else NONE


def shown_spelling(spelling: str) -> str:
    """Return how a source is spelt, without credentials in its address."""
    from autobump.support.http.addresses import shown_url  # what reads addresses is slow to import

    kind, rest = split_spelling(spelling)
    return f"{kind}:{shown_url(rest)}" if "://" in rest else spelling
