"""These tests say which rules there are: nobody else's may be in force."""

from tests.policy.conftest import conn

__all__ = ["conn"]
