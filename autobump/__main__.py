"""Entry point of `autobump` and `python -m autobump`."""

from autobump.cli import main

if __name__ == "__main__":
    main()
