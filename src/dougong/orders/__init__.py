"""Owns carts, orders, lines and the facts frozen on them."""
