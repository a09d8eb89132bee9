"""Dougong: open, self-hosted content commerce."""

__version__ = "0.1.0"
