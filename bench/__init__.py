"""Speed, each figure beside its floor from the same run. See README.md."""
