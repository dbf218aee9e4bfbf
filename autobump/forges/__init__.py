"""Where pull requests live: one protocol, and the forges that speak it."""
