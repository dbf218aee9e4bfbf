"""What is decided for each item: is it eligible, is it held, how risky is its update. Sees no network."""
