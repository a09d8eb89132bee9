"""Owns the orders that our links brought to other platforms."""
