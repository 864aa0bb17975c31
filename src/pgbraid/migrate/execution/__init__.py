"""How one migration after the other is applied."""
