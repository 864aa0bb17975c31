"""Advisory locks, and the sessions that block a statement."""
