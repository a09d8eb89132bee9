"""Banks that pay payees."""
