"""The text of a migration: lexer, parser, directives, checks. No input or output."""
