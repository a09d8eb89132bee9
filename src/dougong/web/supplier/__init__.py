"""The supplier's own page: no account, a secret address."""
