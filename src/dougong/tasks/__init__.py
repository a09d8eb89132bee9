"""Owns what brands and creators agree on."""
