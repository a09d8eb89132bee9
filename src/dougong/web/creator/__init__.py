"""Screens of the creator."""
