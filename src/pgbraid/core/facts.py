"""The names of the catalog's columns as people say them."""

from __future__ import annotations

__all__ = ["spoken"]

_SPOKEN = {
    "attnotnull": "not null",
    "attcollation": "collation",
    "attidentity": "identity",
    "attgenerated": "generated",
    "attcompression": "compression",
    "attstattarget": "statistics target",
    "attislocal": "is local",
    "attinhcount": "inherited from",
    "relpersistence": "persistence",
    "relrowsecurity": "row security",
    "relforcerowsecurity": "forced row security",
    "relreplident": "replica identity",
    "relispopulated": "populated",
    "relam": "access method",
    "reltablespace": "tablespace",
    "relispartition": "is a partition",
    "tgenabled": "enabled",
    "evtenabled": "enabled",
    "ev_enabled": "enabled",
    "polroles": "roles",
    "polcmd": "command",
    "polpermissive": "permissive",
    "extversion": "version",
    "extnamespace": "schema",
    "convalidated": "validated",
    "conenforced": "enforced",
    "condeferrable": "deferrable",
    "condeferred": "deferred",
    "indisvalid": "valid",
    "indisclustered": "clustered",
    "indisreplident": "replica identity",
    "provolatile": "volatility",
    "prosecdef": "security definer",
    "proconfig": "settings",
    "prolang": "language",
    "setconfig": "settings",
    "typnotnull": "not null",
    "typdefault": "default",
}
_OPTIONS, _ACL, _OWNER = "options", "acl", "owner"


def spoken(fact: str) -> str:
    """Return what a fact of the catalog is called: ``owner`` for ``relowner``."""
    if fact in _SPOKEN:
        return _SPOKEN[fact]
    if fact.endswith(_OWNER):
        return _OWNER
    if fact.endswith(_ACL) and fact != _ACL:
        return "privileges"
    return _OPTIONS if fact.endswith(_OPTIONS) and fact != "toast_options" else fact
