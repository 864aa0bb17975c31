"""The ledger: the applied set and the journal."""
