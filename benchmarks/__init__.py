"""Measurements, run by hand and in CI for their ratios; no test asserts a time."""
