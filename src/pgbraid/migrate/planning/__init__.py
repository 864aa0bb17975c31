"""Decides which migrations to run, before anything runs."""
