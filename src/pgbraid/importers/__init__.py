"""Other migration tools: one module for each, with its tracker table."""
