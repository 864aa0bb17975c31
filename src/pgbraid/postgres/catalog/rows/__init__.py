"""Lists the rows in which the tables of two databases differ."""
