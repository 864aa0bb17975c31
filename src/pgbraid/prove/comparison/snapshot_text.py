"""A snapshot as text: one block for each object, in one order, for a person and for a diff."""

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
_SILENT = frozenset({"", "false", "{}", "-", "0"})
"""Values that say that there is nothing; not written."""
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
"""Facts that the name or the type says as well."""
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
"""What is told of objects whose definition is whole."""
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
"""The value that a fact has unless somebody chose another one; every other value is written."""
_HAS_USUAL = frozenset(name for name, _ in _DEFAULT_VALUES)
_OF_BASE_TYPES = frozenset({"typlen", "typbyval", "typalign", "typstorage"}) | {
    *("typinput", "typoutput", "typreceive", "typsend", "typanalyze", "typsubscript"),
}
"""Facts that only a base type chooses."""
_NOBODY = "{}"
_SECRET, _HIDDEN = frozenset({"umoptions", "subconninfo"}), "***"
"""What holds passwords; not even a digest of them is written."""
_MADE_WITH = {
    "relacl": r"\{([^=,]+)=(?:arwdDxt|rwU)/\1\}",
    "proacl": r"\{=X/([^,]+),\1=X/\1\}",
    "typacl": r"\{=U/([^,]+),\1=U/\1\}",
    "nspacl": r"\{([^=,]+)=UC/\1\}",
    "lanacl": r"\{=U/([^,]+),\1=U/\1\}",
    "fdwacl": r"\{([^=,]+)=U/\1\}",
    "srvacl": r"\{([^=,]+)=U/\1\}",
}
"""Privileges that an object is made with."""
_MAINTAIN_SINCE = 17
_WITH_MAINTAIN = r"\{([^=,]+)=(?:arwdDxtm|rwU)/\1\}"
"""The same of a relation from PostgreSQL 17 on, where an owner may lack MAINTAIN."""
_TEXTS = frozenset({"value", "definition", "using", "with_check", "default", "typdefault"})
"""Facts that are said whatever they are."""
_ZEROS = frozenset({"attstattarget", "stxstattarget"})
"""Facts of which 0 is not the usual value."""
_PASSWORD = re.compile(r"(?i)\b(password|passwd|secret|token|api_?key)\s*=\s*[^,}\s\"']+")
_MADE_BY_ITSELF = ("trigger of ",)


def format_snapshot(snapshot: Snapshot) -> str:
    """Return a snapshot's text; equal schemas on one major version have equal texts.

    What is the usual value of a fact, and rows and values of sequences, are not in it.
    """
    lines = [_HEAD, ""]
    major = snapshot.server.partition(".")[0]
    lines[0] += f" PostgreSQL {major}." if major else ""
    made_with = dict(_MADE_WITH)
    if major.isdecimal() and int(major) >= _MAINTAIN_SINCE:
        made_with["relacl"] = _WITH_MAINTAIN
    blocks: dict[str, list[str]] = {}
    for catalog, part in snapshot.catalogs.items():
        if catalog in {DATA, SEQUENCES, "comments of the server"}:
            continue
        for key, facts in part.rows.items():
            if not _is_implied(snapshot, catalog, key, part):
                blocks.setdefault(key, []).extend(_facts(catalog, key, part, facts, made_with))
    for key in sorted(blocks):
        lines += [f"[{_one_line(key)}]", *blocks[key], ""]
    return "\n".join(lines)


def _is_implied(snapshot: Snapshot, catalog: str, key: str, part: CatalogRows) -> bool:
    """Whether a row comes with another object and says nothing of its own."""
    if catalog == "pg_type" and key in snapshot.parents:
        return True
    if key.startswith(_MADE_BY_ITSELF):
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
    made_with: Mapping[str, str],
) -> Iterator[str]:
    if catalog in _ORDERS:
        yield f"{_ORDERS[catalog]} = {', '.join(str(facts[0]).splitlines())}"
        return
    known = dict(zip(part.columns, facts, strict=True))
    for name, fact in known.items():
        if fact is None:
            continue
        # A partitioned table has no access method of its own, unless one is chosen.
        chosen = name == "relam" and known.get("relkind") == "p" and fact != "-"
        whole = re.fullmatch(made_with.get(name, r"(?!)"), fact)
        if (whole or _says_nothing(catalog, key, name, fact)) and not chosen:
            continue
        value = _masked(catalog, name, fact)
        if "\n" in value:
            yield f"{display_name(name)} ="
            yield from (f"    {line}".rstrip() for line in value.splitlines())
        else:
            yield f"{display_name(name)} = {value}"


def _says_nothing(catalog: str, key: str, name: str, value: str) -> bool:
    nobodys = value == _NOBODY and name in _MADE_WITH
    if name in _TEXTS or nobodys or (value == "0" and name in _ZEROS):
        return False
    if name == "relreplident" and value == "n":
        return not key.startswith(("table ", "partitioned table "))
    if name in _NAMES and not (name in _OF_BASE_TYPES and key.startswith("type ")):
        return True
    whole = not key.startswith("aggregate ")
    if whole and catalog in _SUFFICIENT_COLUMNS and name not in _SUFFICIENT_COLUMNS[catalog]:
        return True
    return (name, value) in _DEFAULT_VALUES or (value in _SILENT and name not in _HAS_USUAL)


def _masked(catalog: str, name: str, value: str) -> str:
    """Hide what is secret, or may be: options that hold passwords, settings of an application."""
    if name in _SECRET:
        return _HIDDEN
    if catalog == "settings" or name.endswith("config"):
        return re.sub(r"([\w]+\.[\w.]+)=[^,}]*", rf"\1={_HIDDEN}", value)
    return _PASSWORD.sub(rf"\1={_HIDDEN}", value) if name.endswith("options") else value


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def diff_snapshot_texts(old: str, new: str, label: str) -> list[str]:
    """Return the lines of a diff between two texts, none where they are the same.

    Raises ConfigError where they are of two major versions, which write one schema differently.
    """
    before, after = old.splitlines(), new.splitlines()
    if before[:1] != after[:1] and before[:1] and before[0].startswith(_HEAD):
        was, now = (lines[0].removeprefix(_HEAD).strip(" .") for lines in (before, after))
        raise ConfigError(
            f"{label} was written on {was}, this is {now}",
            hint="Compare on that version; for the files, name its server with `scratch_url` or "
            "PGBRAID_PG_BIN. Or write it again with `pgbraid snapshot --output`.",
        )
    return list(difflib.unified_diff(before, after, label, "the schema", lineterm=""))
