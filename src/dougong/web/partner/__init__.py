"""The console of a partner: a platform behind third-party links."""
