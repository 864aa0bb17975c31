"""The pure part: standard-library values in, values out. No input, no output, no clock."""
