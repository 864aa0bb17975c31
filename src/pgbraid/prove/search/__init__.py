"""The search for the pair of migrations that does not commute."""
