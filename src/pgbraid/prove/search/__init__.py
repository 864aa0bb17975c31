"""Which pair of migrations does not commute."""
