"""Owns accounts, entries, transfers, seals; knows no other area."""
