"""Django finds the management commands in this folder."""
