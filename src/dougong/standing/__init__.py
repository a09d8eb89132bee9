"""Owns how merchants stand: deposits, experience scores, penalties and appeals."""
