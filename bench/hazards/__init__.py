"""Compares the estimates of hazards with the clock, on tables of millions of rows."""
