"""Advisory locks, and who blocks whom."""
