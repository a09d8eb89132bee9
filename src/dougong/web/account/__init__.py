"""Screens of the account."""
