"""Texts of other people, and numbers, times and durations, in words."""
