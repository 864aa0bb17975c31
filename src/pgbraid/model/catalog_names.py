"""Readable names for the columns of PostgreSQL's catalogs."""

from __future__ import annotations

import re

__all__ = ["display_name"]

_DISPLAY_NAMES = {
    "attnotnull": "not null",
    "atthasdef": "has a default",
    "atthasmissing": "has a value for older rows",
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
    "adnum": "column",
    "attndims": "dimensions",
    "castcontext": "context",
    "castfunc": "function",
    "castmethod": "method",
    "collctype": "ctype",
    "conkey": "columns",
    "confkey": "referenced columns",
    "confrelid": "referenced table",
    "confupdtype": "action on update",
    "confdeltype": "action on delete",
    "confdelsetcols": "columns set on delete",
    "confmatchtype": "match type",
    "conislocal": "is local",
    "coninhcount": "inherited from",
    "connoinherit": "no inherit",
    "conindid": "index",
    "conparentid": "parent",
    "dictinitoption": "options",
    "inhparent": "parent",
    "inhseqno": "place among the parents",
    "inhdetachpending": "is being detached",
    "indkey": "columns",
    "indnkeyatts": "key columns",
    "indcollation": "collations",
    "indclass": "operator classes",
    "indoption": "options",
    "opcdefault": "default",
    "partdefid": "default partition",
    "proargtypes": "types of arguments",
    "prorettype": "result type",
    "prosupport": "support function",
    "proisstrict": "strict",
    "proleakproof": "leakproof",
    "proparallel": "parallel safety",
    "procost": "cost",
    "prorows": "rows",
    "relkind": "kind",
    "reltoastrelid": "toast table",
    "seqincrement": "increment",
    "seqmax": "maximum",
    "seqmin": "minimum",
    "seqstart": "start",
    "seqcache": "cache",
    "seqcycle": "cycle",
    "seqtypid": "type",
    "stxkeys": "columns",
    "stxkind": "kinds",
    "tgtype": "events",
    "tgfoid": "function",
    "typbasetype": "base type",
    "typcollation": "collation",
    "typtypmod": "type modifier",
    "puballtables": "for all tables",
    "pubinsert": "publishes inserts",
    "pubupdate": "publishes updates",
    "pubdelete": "publishes deletes",
    "pubtruncate": "publishes truncates",
    "pubviaroot": "publishes via the root",
    "prattrs": "columns",
    "prqual": "filter",
    "using": "USING expression",
    "with_check": "WITH CHECK expression",
    "toast_options": "options of the toast table",
}
_DERIVED_ATTRIBUTES = frozenset(
    {
        *("definition", "default", "digest", "expressions", "filter", "identity", "partition"),
        *("rows", "storage", "type", "value", "values", "columns"),
    }
)
"""Attributes of a snapshot that are not columns of a catalog."""
_OPTIONS, _ACL, _OWNER = "options", "acl", "owner"
_PREFIX = re.compile(
    r"^(?:agg|amop|amproc|am|att|cast|cfg|coll|con|def|dict|enum|evt|ev|ext|fdw|ft|ind|inh|lan|map"
    r"|nsp|opc|opf|opr|part|pol|pro|prs|pub|pr|rel|rng|seq|srv|stx|sub|tg|tmpl|trf|typ|um)(?=[a-z]{3})"
)
"""Prefixes of the column names in the catalogs."""


def display_name(attribute: str) -> str:
    """Return a readable name for an attribute of an object, such as ``owner`` for ``relowner``."""
    if attribute in _DISPLAY_NAMES or attribute in _DERIVED_ATTRIBUTES:
        return _DISPLAY_NAMES.get(attribute, attribute)
    if "_" in attribute or " " in attribute:
        return attribute.replace("_", " ")
    if attribute.endswith(_OWNER):
        return _OWNER
    if attribute.endswith(_ACL) and attribute != _ACL:
        return "privileges"
    if attribute.endswith(_OPTIONS):
        return _OPTIONS
    return _PREFIX.sub("", attribute)
