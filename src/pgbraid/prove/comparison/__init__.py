"""Two schemas, compared."""
