"""Owns people, organisations, grants, sessions, API keys, addresses, the audit log."""
