"""Owns live rooms: who broadcasts, what the room says, what was shown when."""
