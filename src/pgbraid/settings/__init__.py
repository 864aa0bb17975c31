"""Settings: their values, the file they come from, the environment."""
