"""Shared words: pure, no I/O."""
