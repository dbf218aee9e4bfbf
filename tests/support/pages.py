"""Writes image pages in the form they are published in."""

from collections.abc import Mapping


def make_page(
    repository: str,
    tag: str,
    *,
    created: str = "2026-05-01T10:00:00.123456789Z",
    digest: str = "sha256:" + "0" * 64,
    python: str = "3.12.13",
    packages: Mapping[str, tuple[str, str]] | None = None,
    deprecated: str = "",
) -> str:
    """Return the page of a tag; packages are version and licence by name."""
    banner = "## 🔴 IMPORTANT: This image is deprecated 🔴\n" if deprecated else ""
    reason = f"  - `DEPRECATED_IMAGE=true`\n  - `DEPRECATED_REASON={deprecated}`\n" if deprecated else ""
    entries = "".join(
        f"### `{name}`\n\n* Summary: Some words.\n* Version: {version}\n* License :: {licence}\n\n"
        for name, (version, licence) in (packages or {}).items()
    )
    return (
        f"# `{repository}:{tag}`\n{banner}## Docker Metadata\n- Image Size: 27.28 MB\n"
        f"- Image ID: `sha256:{'a' * 64}`\n- Created: `{created}`\n- Arch: `linux`/`amd64`\n"
        f"- Environment:\n  - `LANG=C.UTF-8`\n  - `PYTHON_VERSION={python}`\n{reason}- Labels:\n\n"
        '- OS Release:\n  - `NAME="Alpine Linux"`\n  - `PRETTY_NAME="Alpine Linux v3.23"`\n\n'
        f"## Docker Trust\n```\n\nSignatures for {repository}:{tag}\n\n"
        f"SIGNED TAG   DIGEST   SIGNERS\n{tag}   {digest.removeprefix('sha256:')}   (Repo Admin)\n"
        f"```\n\n## `Python Packages`\n\n\n{entries}\n## `OS Packages`\n\n* zlib-1.3.1-r2 x86_64 {{zlib}}\n"
    )
