"""Pages for whoever works in a warehouse, phone in hand: a scanner types into one field."""
