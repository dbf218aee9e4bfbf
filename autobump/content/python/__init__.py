"""Reads Python code without running it: which parts run, and on which Pythons."""
