"""Comparison of schemas and rows."""
