"""Finds a password in a connection string."""

from __future__ import annotations

__all__ = ["has_password"]


def has_password(conninfo: str) -> bool:
    """Whether a connection string holds a password, even one that is not percent-encoded."""
    import re  # noqa: PLC0415 - every command imports this module, and few have a direct_url

    if re.search(r"password\s*=", conninfo):
        return True
    rest = conninfo.partition("://")[2]
    authority, question_mark, _ = rest.partition("?")
    if not question_mark or "@" in authority:
        return ":" in authority.rpartition("@")[0]
    # The question mark may be part of a password, unless the text before it is just host and port.
    port = re.fullmatch(r"[^:]*:[0-9]*(?:/.*)?", authority)
    return "@" in rest and ":" in authority and not port
