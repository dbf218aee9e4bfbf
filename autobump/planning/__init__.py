"""From bumps to planned pull requests."""
