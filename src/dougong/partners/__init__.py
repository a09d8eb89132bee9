"""Owns agreements with the platforms behind third-party links."""
