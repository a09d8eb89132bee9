"""Owns coins and the gifts that are sent with them."""
