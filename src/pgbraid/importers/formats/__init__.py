"""The formats of other migration tools: one module each, with its tracker and its files."""
