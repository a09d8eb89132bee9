"""Will own periods, statements, reserves, payouts and reconciliation."""
