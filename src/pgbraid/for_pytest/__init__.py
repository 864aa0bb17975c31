"""The parts of the pytest plugin: fixtures, options, and checks."""
