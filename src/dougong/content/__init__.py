"""Owns uploads, videos, likes, comments, follows, reports, views."""
