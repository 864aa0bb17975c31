"""Values, events and errors that all rooms share. No input, no output, no clock."""
