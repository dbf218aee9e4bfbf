"""What the content repository holds."""
