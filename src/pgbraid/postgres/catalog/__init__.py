"""The schema and the rows of a database, read as values."""
