"""One file per cross-area story, read top to bottom. A flow decides nothing."""
