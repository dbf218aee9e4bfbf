"""What is inside an image, and what changes between two tags of it."""
