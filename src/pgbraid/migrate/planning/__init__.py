"""What to run, decided before anything runs."""
