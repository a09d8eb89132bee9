"""One file per carrier, all of one protocol (carrier.py)."""
