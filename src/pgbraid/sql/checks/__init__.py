"""What must not be in a migration's text."""
