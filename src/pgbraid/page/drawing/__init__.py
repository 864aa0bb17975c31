"""Places of everything that the page draws, in the units of the drawing; pure."""
