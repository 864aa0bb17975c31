"""Settings: their values, the settings file, the environment."""
