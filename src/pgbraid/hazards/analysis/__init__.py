"""Derives from the observations: the work of each statement, its time, and SQL that avoids it."""
