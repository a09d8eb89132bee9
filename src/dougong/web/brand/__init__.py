"""The console of a brand."""
