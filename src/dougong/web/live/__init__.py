"""The live room as viewers have it: its page, its socket, and who hears what."""
