"""From planned pull requests to actions on a forge."""
