"""Screens of the shopper."""
