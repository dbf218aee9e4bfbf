"""HTTP within bounds: one client, one retry policy, one reading of headers."""
