"""Adopts the history of every other migration tool, after the tool itself has made it."""
