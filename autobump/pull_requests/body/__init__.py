"""The body of a pull request."""
