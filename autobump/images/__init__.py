"""What the registries hold."""
