"""Owns product links and clicks."""
