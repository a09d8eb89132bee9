"""How products of third-party sources are looked up: one file per way."""
