"""Builds small content repositories in real git."""

import json
from collections.abc import Mapping
from pathlib import Path

from autobump.git import Git

WHO = "tester <tester@example.com> 1700000000 +0000"


def item_yaml(
    image: str | None = "demisto/python3:3.9.8.24399",
    *,
    name: str = "Sample",
    kind: str = "script",
    **keys: str,
) -> str:
    """Return the YAML of one item; `keys` go to the top level as they are."""
    extra = "".join(f"{key}: {value}\n" for key, value in keys.items())
    docker = f"dockerimage: {image}\n" if image is not None else ""
    if kind == "integration":
        docker = f"  {docker}" if docker else ""
        return (
            f"commonfields:\n  id: {name}\n  version: -1\nname: {name}\ndisplay: {name}\n"
            f"script:\n  script: '-'\n  type: python\n  subtype: python3\n{docker}{extra}"
        )
    return (
        f"commonfields:\n  id: {name}\n  version: -1\nname: {name}\nscript: '-'\n"
        f"type: python\nsubtype: python3\n{docker}{extra}"
    )


def pack_metadata(version: str = "1.0.0", **keys: object) -> str:
    """Return a `pack_metadata.json` in the platform's usual style, without final newline."""
    fields = {"name": "Sample Pack", "support": "xsoar", "currentVersion": version, "author": "A"}
    return json.dumps(fields | keys, indent=4)


def script_pack(pack: str, images: Mapping[str, str], version: str = "1.0.0") -> dict[str, str]:
    """Return the files of a pack with one script for each name and image."""
    files = {f"Packs/{pack}/pack_metadata.json": pack_metadata(version, name=pack)}
    for name, image in images.items():
        files[f"Packs/{pack}/Scripts/{name}/{name}.yml"] = item_yaml(image, name=name)
    return files


def make_repository(
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    bare: bool = True,
    modes: Mapping[str, str] | None = None,
) -> Git:
    """Make a repository with one commit on `master`."""
    folder.mkdir(parents=True, exist_ok=True)
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch", "master", *(["--bare"] if bare else []))
    commit(git, files, modes=modes)
    if not bare:
        git.run("reset", "--quiet", "--hard")
    return git


def commit(
    git: Git,
    files: Mapping[str, str | bytes | None],
    *,
    branch: str = "master",
    modes: Mapping[str, str] | None = None,
    who: str = WHO,
) -> str:
    """Add a commit on top of a branch and return its name; a file given as None is deleted.

    The text of a submodule, mode `160000`, is the name of its commit.
    """
    ref = f"refs/heads/{branch}"
    tip = git.run("for-each-ref", "--format=%(objectname)", ref).decode().strip()
    stream = bytearray(f"commit {ref}\ncommitter {who}\ndata 4\nWork\n".encode())
    if tip:
        stream += f"from {tip}\n".encode()
    for path, content in files.items():
        if content is None:
            stream += f"D {_quoted(path)}\n".encode()
            continue
        data = content.encode() if isinstance(content, str) else content
        mode = (modes or {}).get(path, "100644")
        if mode == "160000":
            stream += b"M 160000 " + data + f" {_quoted(path)}\n".encode()
            continue
        stream += f"M {mode} inline {_quoted(path)}\ndata {len(data)}\n".encode("utf-8", "surrogateescape")
        stream += data + b"\n"
    git.run("fast-import", "--quiet", "--force", stdin=bytes(stream))
    return git.line("rev-parse", ref)


def show(git: Git, revision: str, path: str) -> bytes:
    """Return one file of a commit."""
    return git.run("cat-file", "blob", f"{revision}:{path}")


def branches(git: Git) -> dict[str, str]:
    """Return every branch under `autobump/` with its head."""
    listing = git.run("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/autobump/")
    return dict(line.split(" ", 1) for line in listing.decode().splitlines())


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
