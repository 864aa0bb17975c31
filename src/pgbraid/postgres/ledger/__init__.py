"""The applied set and the journal."""
