"""One connection to a server: URL, session, settings, poolers, errors."""
