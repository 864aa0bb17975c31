"""The commands that change or read the ledger; the subpackages hold the parts that they share."""
