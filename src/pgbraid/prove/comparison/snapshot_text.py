"""Formats a snapshot as sorted text, one block for each object, that can be read and diffed."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pgbraid.model.catalog_names import display_name
from pgbraid.model.errors import ConfigError
from pgbraid.model.snapshot import COLUMN_ORDER, DATA, ENUM_ORDER, SEQUENCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pgbraid.model.snapshot import CatalogRows, Snapshot

__all__ = ["diff_snapshot_texts", "format_snapshot"]

_HEAD = "# A schema as pgbraid snapshot writes it, one block for each object."
_ORDERS = {COLUMN_ORDER: "columns", ENUM_ORDER: "values"}
_EMPTY_VALUES = frozenset({"", "false", "{}", "-", "0"})
"""Values that mean that an object lacks the attribute; they are not written."""
_NAMES = frozenset(
    {
        *("relname", "attname", "typname", "nspname", "relnamespace", "typnamespace", "attrelid"),
        *("polrelid", "polname", "seqrelid", "rngtypid", "ftrelid", "partrelid", "enumtypid"),
        *("enumlabel", "attlen", "attbyval", "attalign", "relkind", "atthasdef"),
        *("typinput", "typoutput", "typreceive", "typsend", "typanalyze", "typsubscript"),
        *("typlen", "typbyval", "typalign", "typstorage", "typarray", "typdelim", "typcategory"),
        *("extname", "pubname", "evtname", "srvname", "inhrelid", "prrelid"),
    }
)
"""Attributes that the name or the type of the object implies."""
_SUFFICIENT_COLUMNS = {
    "pg_attrdef": {"definition"},
    "pg_constraint": {"definition", "conislocal", "coninhcount", "conenforced", "convalidated"},
    "pg_index": {"definition", "indisvalid", "indisclustered", "indisreplident"},
    "pg_proc": {"definition", "proowner", "proacl", "proconfig"},
    "pg_rewrite": {"definition", "ev_enabled"},
    "pg_statistic_ext": {"stxkeys", "stxkind", "expressions", "stxowner", "stxstattarget"},
    "pg_trigger": {"definition", "tgenabled"},
    "pg_partitioned_table": {"definition"},
    "pg_enum": set[str](),
}
"""The attributes to write of objects with a complete definition."""
_DEFAULT_VALUES = frozenset(
    {
        *(("relpersistence", "p"), ("relreplident", "d"), ("relam", "heap")),
        *(("attstattarget", "-1"), ("typtypmod", "-1"), ("relam", "btree")),
        *(("tgenabled", "O"), ("ev_enabled", "O"), ("evtenabled", "O"), ("conislocal", "true")),
        *(("convalidated", "true"), ("conenforced", "true"), ("indisvalid", "true")),
        *(("typisdefined", "true"), ("attcollation", 'pg_catalog."default"')),
        *(("stxstattarget", "-1"), ("polpermissive", "true"), ("relispopulated", "true")),
        *(("attislocal", "true"), ("relam", "-"), ("attcollation", "-")),
    }
)
"""Default values of attributes; any other value of these attributes is written."""
_HAS_DEFAULT = frozenset(name for name, _ in _DEFAULT_VALUES)
_OF_BASE_TYPES = frozenset({"typlen", "typbyval", "typalign", "typstorage"}) | {
    *("typinput", "typoutput", "typreceive", "typsend", "typanalyze", "typsubscript"),
}
"""Attributes that only a base type defines itself."""
_NO_PRIVILEGES = "{}"
_SECRET, _HIDDEN = frozenset({"umoptions", "subconninfo"}), "***"
"""Attributes with passwords; not even digests of them are written."""
_DEFAULT_PRIVILEGES = {
    "relacl": r"\{([^=,]+)=(?:arwdDxt|rwU)/\1\}",
    "proacl": r"\{=X/([^,]+),\1=X/\1\}",
    "typacl": r"\{=U/([^,]+),\1=U/\1\}",
    "nspacl": r"\{([^=,]+)=UC/\1\}",
    "lanacl": r"\{=U/([^,]+),\1=U/\1\}",
    "fdwacl": r"\{([^=,]+)=U/\1\}",
    "srvacl": r"\{([^=,]+)=U/\1\}",
}
"""Privileges of a new object."""
_MAINTAIN_SINCE = 17
_WITH_MAINTAIN = r"\{([^=,]+)=(?:arwdDxtm|rwU)/\1\}"
"""Privileges of a new relation since PostgreSQL 17, which has MAINTAIN."""
_TEXTS = frozenset({"value", "definition", "using", "with_check", "default", "typdefault"})
"""Attributes that are always written."""
_ZEROS = frozenset({"attstattarget", "stxstattarget"})
"""Attributes for which 0 is not the default value."""
_PASSWORD = re.compile(r"(?i)\b(password|passwd|secret|token|api_?key)\s*=\s*[^,}\s\"']+")
_INTERNAL = ("trigger of ",)
"""Objects that the server creates with another object, such as the triggers of a foreign key."""


def format_snapshot(snapshot: Snapshot) -> str:
    """Return the text of a snapshot; equal schemas on one major version have equal texts.

    Default values of attributes, rows, and values of sequences are not written.
    """
    lines = [_HEAD, ""]
    major = snapshot.server.partition(".")[0]
    lines[0] += f" PostgreSQL {major}." if major else ""
    default_privileges = dict(_DEFAULT_PRIVILEGES)
    if major.isdecimal() and int(major) >= _MAINTAIN_SINCE:
        default_privileges["relacl"] = _WITH_MAINTAIN
    blocks: dict[str, list[str]] = {}
    for catalog, part in snapshot.catalogs.items():
        if catalog in {DATA, SEQUENCES, "comments of the server"}:
            continue
        for key, facts in part.rows.items():
            if not _is_implied(snapshot, catalog, key, part):
                lines_of_row = _facts(catalog, key, part, facts, default_privileges)
                blocks.setdefault(key, []).extend(lines_of_row)
    for key in sorted(blocks):
        lines += [f"[{_one_line(key)}]", *blocks[key], ""]
    return "\n".join(lines)


def _is_implied(snapshot: Snapshot, catalog: str, key: str, part: CatalogRows) -> bool:
    """Return whether a catalog row exists only because of another object, and is unchanged."""
    if catalog == "pg_type" and key in snapshot.parents:
        return True  # such as the row type of a table
    if key.startswith(_INTERNAL):
        return part.rows[key][part.columns.index("tgenabled")] == "O"
    return key.startswith("column ") and " of index " in key and _plain_index(part, key)


def _plain_index(part: CatalogRows, key: str) -> bool:
    facts = part.rows[key]
    return facts[part.columns.index("attstattarget")] in {None, "-1"}


def _facts(
    catalog: str,
    key: str,
    part: CatalogRows,
    facts: tuple[str | None, ...],
    default_privileges: Mapping[str, str],
) -> Iterator[str]:
    """Yield the lines of a row: one for each attribute without its default value."""
    if catalog in _ORDERS:
        yield f"{_ORDERS[catalog]} = {', '.join(str(facts[0]).splitlines())}"
        return
    values = dict(zip(part.columns, facts, strict=True))
    for name, fact in values.items():
        if fact is None:
            continue
        # A partitioned table has an access method only if the user gave one: write even heap.
        explicit = name == "relam" and values.get("relkind") == "p" and fact != "-"
        default = re.fullmatch(default_privileges.get(name, r"(?!)"), fact)
        if (default or _is_default(catalog, key, name, fact)) and not explicit:
            continue
        value = _masked(catalog, name, fact)
        if "\n" in value:
            yield f"{display_name(name)} ="
            yield from (f"    {line}".rstrip() for line in value.splitlines())
        else:
            yield f"{display_name(name)} = {value}"


def _is_default(catalog: str, key: str, name: str, value: str) -> bool:
    """Return whether an attribute has its default value, or another attribute implies it."""
    # An empty list of privileges means that the owner's privileges were revoked, too.
    revoked = value == _NO_PRIVILEGES and name in _DEFAULT_PRIVILEGES
    if name in _TEXTS or revoked or (value == "0" and name in _ZEROS):
        return False
    if name == "relreplident" and value == "n":
        # Other relations have no replica identity; a table has none only if the user chose it.
        return not key.startswith(("table ", "partitioned table "))
    if name in _NAMES and not (name in _OF_BASE_TYPES and key.startswith("type ")):
        return True
    # An aggregate in pg_proc has no complete definition: pg_get_functiondef() rejects it.
    complete = not key.startswith("aggregate ")
    if complete and catalog in _SUFFICIENT_COLUMNS and name not in _SUFFICIENT_COLUMNS[catalog]:
        return True
    return (name, value) in _DEFAULT_VALUES or (value in _EMPTY_VALUES and name not in _HAS_DEFAULT)


def _masked(catalog: str, name: str, value: str) -> str:
    """Mask possible secrets: options with passwords, and settings of an application."""
    if name in _SECRET:
        return _HIDDEN
    if catalog == "settings" or name.endswith("config"):
        return re.sub(r"([\w]+\.[\w.]+)=[^,}]*", rf"\1={_HIDDEN}", value)
    return _PASSWORD.sub(rf"\1={_HIDDEN}", value) if name.endswith("options") else value


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def diff_snapshot_texts(old: str, new: str, label: str) -> list[str]:
    """Return the lines of a diff between two texts, or none if the texts are equal.

    Raises ConfigError for two major versions, on which the same schema has different texts.
    """
    before, after = old.splitlines(), new.splitlines()
    if before[:1] != after[:1] and before[:1] and before[0].startswith(_HEAD):
        was, now = (lines[0].removeprefix(_HEAD).strip(" .") for lines in (before, after))
        raise ConfigError(
            f"{label} was written on {was}, this is {now}",
            hint="Compare on that version. For a snapshot of files, name its server with "
            "`scratch_url`, or its programs in PGBRAID_PG_BIN. Or write it again with `pgbraid "
            "snapshot --output`.",
        )
    return list(difflib.unified_diff(before, after, label, "the schema", lineterm=""))
