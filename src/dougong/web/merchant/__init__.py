"""Screens of the merchant."""
