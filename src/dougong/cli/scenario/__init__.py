"""Plays history on the business clock, over the mechanisms that real days use."""
