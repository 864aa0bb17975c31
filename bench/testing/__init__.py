"""Measures test databases: pgbraid's fixtures, a clone in each test, and the peers."""
