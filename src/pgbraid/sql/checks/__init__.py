"""Checks for text that a migration must not contain."""
