"""One migration in its transaction."""
