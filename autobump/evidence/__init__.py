"""Runs items in the old and the new image, in containers, and says what differs."""
