"""Templates of migrated databases, and clones of them for tests."""
