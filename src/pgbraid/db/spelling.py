"""How the catalog spells lists of oids, and how names are spelled for people."""

from __future__ import annotations

__all__ = ["oids_of", "quoted"]


def oids_of(value: str) -> list[str]:
    """Return the oids, or numbers, of an array's or a vector's text."""
    if value[:1] == "{":
        return value[1:-1].split(",") if value != "{}" else []
    return value.split()


def quoted(name: str) -> str:
    """Quote a name as the server would, but for words that are reserved."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    return name if plain and not name[:1].isdigit() else '"' + name.replace('"', '""') + '"'
