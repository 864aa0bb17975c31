"""The sizes of the tables of production."""
