"""Tables about the catalog: expressions that replace node trees, and the owners of rows."""

from __future__ import annotations

__all__ = ["DEPENDENT_CATALOGS", "DERIVED_COLUMNS", "OWNER_CATALOG", "OWNER_COLUMN"]

DERIVED_COLUMNS = {
    "pg_attrdef": (("definition", "pg_get_expr(c.adbin, c.adrelid)", 0),),
    "pg_attribute": (
        ("type", "format_type(c.atttypid, c.atttypmod)", 0),
        (
            "storage",
            (
                "(SELECT nullif(c.attstorage, t.typstorage)::text FROM pg_type t"
                " WHERE t.oid = c.atttypid)"
            ),
            0,
        ),
    ),
    "pg_class": (
        ("partition", "pg_get_expr(c.relpartbound, c.oid)", 0),
        (
            "toast_options",
            (
                "CASE WHEN c.reltoastrelid <> 0 THEN (SELECT nullif(ARRAY(SELECT"
                " unnest(t.reloptions) ORDER BY 1), '{}')::text FROM pg_class t"
                " WHERE t.oid = c.reltoastrelid) END"
            ),
            0,
        ),
    ),
    "pg_constraint": (("definition", "pg_get_constraintdef(c.oid)", 0),),
    "pg_index": (("definition", "pg_get_indexdef(c.indexrelid)", 0),),
    "pg_partitioned_table": (("definition", "pg_get_partkeydef(c.partrelid)", 0),),
    "pg_policy": (
        ("using", "pg_get_expr(c.polqual, c.polrelid)", 0),
        ("with_check", "pg_get_expr(c.polwithcheck, c.polrelid)", 0),
    ),
    "pg_proc": (
        (
            "definition",
            (
                "CASE WHEN c.prokind = 'a' THEN pg_get_function_arguments(c.oid)"
                " ELSE pg_get_functiondef(c.oid) END"
            ),
            0,
        ),
    ),
    "pg_publication_rel": (("filter", "pg_get_expr(c.prqual, c.prrelid)", 150000),),
    "pg_rewrite": (("definition", "pg_get_ruledef(c.oid)", 0),),
    "pg_statistic_ext": (
        ("expressions", "pg_get_statisticsobjdef_expressions(c.oid)::text", 140000),
    ),
    "pg_trigger": (
        (
            "definition",
            "CASE WHEN NOT c.tgisinternal OR c.tgconstraint = 0 THEN pg_get_triggerdef(c.oid) END",
            0,
        ),
        ("of_parent", "(c.tgparentid <> 0)::text", 0),
    ),
    "pg_type": (("default", "pg_get_expr(c.typdefaultbin, 0)", 0),),
}
"""Derived facts by catalog: name, expression, and the server version since which it exists.

The server's own functions print the node trees of expressions.
"""
OWNER_COLUMN = {
    "pg_aggregate": "aggfnoid",
    "pg_amop": "amopfamily",
    "pg_amproc": "amprocfamily",
    "pg_attrdef": "adrelid",
    "pg_attribute": "attrelid",
    "pg_constraint": "conrelid",
    "pg_enum": "enumtypid",
    "pg_foreign_table": "ftrelid",
    "pg_index": "indrelid",
    "pg_inherits": "inhrelid",
    "pg_partitioned_table": "partrelid",
    "pg_policy": "polrelid",
    "pg_publication_rel": "prrelid",
    "pg_range": "rngtypid",
    "pg_rewrite": "ev_class",
    "pg_sequence": "seqrelid",
    "pg_statistic_ext": "stxrelid",
    "pg_trigger": "tgrelid",
    "pg_ts_config_map": "mapcfg",
}
"""The column that names the owner of a row, the object of which it is a part."""
OWNER_CATALOG = {
    "pg_aggregate": "pg_proc",
    "pg_amop": "pg_opfamily",
    "pg_amproc": "pg_opfamily",
    "pg_enum": "pg_type",
    "pg_range": "pg_type",
    "pg_ts_config_map": "pg_ts_config",
}
"""The catalog of the owner, if it is not pg_class."""
DEPENDENT_CATALOGS = frozenset(
    {
        *("pg_attribute", "pg_index", "pg_inherits", "pg_sequence", "pg_partitioned_table"),
        *("pg_foreign_table", "pg_aggregate", "pg_range", "pg_enum", "pg_ts_config_map"),
    }
)
"""Catalogs whose rows are left out if their owner is left out."""
