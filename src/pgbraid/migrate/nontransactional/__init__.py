"""Migrations that run outside a transaction, statement by statement."""
