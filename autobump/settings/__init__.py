"""Settings: what can be set, where it is found, and whether it makes sense."""
