"""Applies migrations that run in a transaction, one after the other."""
