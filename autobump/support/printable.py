"""Shows text from outside so that it stays where it is put: one line, and nothing a terminal obeys."""


def printable(text: str) -> str:
    """Return text with control characters and broken encodings shown as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def printable_path(path: str) -> str:
    r"""Return a path as git gave it, with bytes that are no UTF-8 shown as `\xff`."""
    return printable(path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
