"""Feeds the readers of outside text with what nobody would write, and checks what must hold all the same."""
