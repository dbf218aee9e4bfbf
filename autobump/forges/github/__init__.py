"""GitHub as a forge, through its API."""
