"""Values, events and errors that every room speaks of. Pure: no input, no output, no clock."""
