"""The service that repeats passes: schedule, health, metrics."""
