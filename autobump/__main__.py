"""Entry point of `autobump` and `python -m autobump`."""

import sys


def main() -> None:
    """Run autobump and leave with its exit code."""
    try:
        from autobump.cli import main as run
    except KeyboardInterrupt:  # the imports take long enough for it
        sys.stderr.write("autobump: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
