"""The rules, one module a family. A rule is its description and a pure function."""
