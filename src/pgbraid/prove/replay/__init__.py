"""Replays of migrations on scratch databases."""
