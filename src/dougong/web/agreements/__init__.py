"""Pages of agreements, the same for both sides of the table: each sees them from its own."""
