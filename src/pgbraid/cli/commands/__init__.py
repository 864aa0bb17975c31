"""The commands, one module each: its docstring is the text of ``--help``."""
