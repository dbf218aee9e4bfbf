"""The outcome of a pass for people and programs."""
