"""Keeps the Docker images of Cortex XSOAR/XSIAM content current."""

__version__ = "0.1.0"
