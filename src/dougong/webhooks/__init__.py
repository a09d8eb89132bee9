"""Owns merchants' webhook endpoints and the log of deliveries."""
