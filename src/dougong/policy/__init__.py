"""Owns dated fee rules and term rules."""
