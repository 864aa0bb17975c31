"""The text of a migration: lexer, parser, directives, checks. Pure."""
