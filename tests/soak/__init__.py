"""Hundreds of passes through faults of every kind, which have to end like passes without any."""
