"""YAML as text: find one scalar, splice its bytes, prove the rest unchanged."""
