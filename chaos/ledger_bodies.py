"""Bodies of migrations that write to the ledger: ``{next}`` is the version behind their own.

Those of ``SET_BODIES`` write to the set and must be refused; those of ``JOURNAL_BODIES`` write to
the journal, which is allowed, and must not lead to a wrong answer.
"""

from __future__ import annotations

from chaos.ledger_facts import JOURNAL, SET

__all__ = ["JOURNAL_BODIES", "SET_BODIES"]

_ROW = f"INSERT INTO {SET} (version, name) VALUES ({{next}}, 'm{{next}}')"


def _function(returns: str = "int", value: str = "RETURN 1;", more: str = "") -> str:
    return (
        f"CREATE OR REPLACE FUNCTION public.w() RETURNS {returns} LANGUAGE plpgsql {more} AS"
        f" $w$ BEGIN {_ROW} ON CONFLICT DO NOTHING; {value} END $w$;"
    )


_TRIGGER = _function("trigger", "RETURN NEW;")
_OWN = f"CREATE TABLE IF NOT EXISTS public.own (v bigint PRIMARY KEY); {_TRIGGER}"
_EACH_ROW = "FOR EACH ROW EXECUTE FUNCTION public.w();"

SET_BODIES: dict[str, str] = {
    "row": f"{_ROW};",
    "row, by EXECUTE": f"DO $$ BEGIN EXECUTE $e$ {_ROW} $e$; END $$;",
    "row, in a subtransaction": (
        f"DO $$ BEGIN BEGIN {_ROW}; EXCEPTION WHEN unique_violation THEN NULL; END; END $$;"
    ),
    "row, by a function of its owner": f"{_function(more='SECURITY DEFINER')} SELECT public.w();",
    "row, uncounted": f"SET track_counts = off; {_ROW}; RESET track_counts;",
    "row, uncounted by the function": (
        f"{_function(more='SET track_counts = off')} SELECT public.w();"
    ),
    "row, without triggers": f"SET session_replication_role = replica; {_ROW};",
    "row, by COPY": f"COPY {SET} (version, name) FROM stdin;\n{{next}}\tm{{next}}\n\\.\n",
    "row, through a view": (
        f"CREATE VIEW public.v AS SELECT * FROM {SET};"
        " INSERT INTO public.v (version, name) VALUES ({next}, 'm{next}');"
    ),
    "row, by a deferred trigger": (
        f"{_OWN} CREATE CONSTRAINT TRIGGER x AFTER INSERT ON public.own DEFERRABLE INITIALLY"
        f" DEFERRED {_EACH_ROW} INSERT INTO public.own VALUES (1);"
    ),
    "row, by a trigger on the journal": (
        f"{_TRIGGER} CREATE TRIGGER x AFTER INSERT ON {JOURNAL} {_EACH_ROW}"
    ),
    "row, by a deferred trigger on the journal": (
        f"{_TRIGGER} CREATE CONSTRAINT TRIGGER x AFTER INSERT ON {JOURNAL} DEFERRABLE INITIALLY"
        f" DEFERRED {_EACH_ROW}"
    ),
    "row, by a rule on the journal": (
        f"CREATE RULE x AS ON INSERT TO {JOURNAL} DO ALSO {_ROW} ON CONFLICT DO NOTHING;"
    ),
    "row, by a check of the journal": (
        f"{_function('boolean', 'RETURN true;')}"
        f" ALTER TABLE {JOURNAL} ADD CHECK (event <> 'applied' OR public.w()) NOT VALID;"
    ),
    "own row": f"INSERT INTO {SET} (version, name) VALUES ({{own}}, 'm{{own}}');",
    "rows deleted": f"DELETE FROM {SET};",
    "rows changed": f"UPDATE {SET} SET version = version + 100;",
    "set truncated": f"TRUNCATE {SET};",
    "table that inherits": (
        f"CREATE TABLE public.heir () INHERITS ({SET});"
        " INSERT INTO public.heir (version, name) VALUES ({next}, 'm{next}');"
    ),
    "another table in its place": (
        f"ALTER TABLE {SET} RENAME TO was; CREATE TABLE {SET} AS SELECT * FROM public.was;"
    ),
    "column of another type": (
        f"ALTER TABLE {SET} ALTER version TYPE int USING (version + 100)::int;"
    ),
}

JOURNAL_BODIES: dict[str, str] = {
    "lines deleted": f"DELETE FROM {JOURNAL};",
    "lines of success deleted": f"DELETE FROM {JOURNAL} "
    "WHERE event IN ('applied', 'statement_done');",
    "journal truncated": f"TRUNCATE {JOURNAL} RESTART IDENTITY;",
    "sequence restarted": f"ALTER TABLE {JOURNAL} ALTER id RESTART;",
    "sequence counts down": f"ALTER TABLE {JOURNAL} ALTER id SET INCREMENT BY -1;",
    "line of the next": (
        f"INSERT INTO {JOURNAL} (run_id, event, version, name)"
        " VALUES (gen_random_uuid(), 'applied', {next}, 'm{next}');"
    ),
    "all undone": (
        f"INSERT INTO {JOURNAL} (run_id, event, version, name)"
        f" SELECT gen_random_uuid(), 'undone', version, name FROM {SET};"
    ),
    "the next begun": (
        f"INSERT INTO {JOURNAL} (run_id, event, version, name, detail)"
        " VALUES (gen_random_uuid(), 'started', {next}, 'm{next}', '{\"statements\": 3}');"
    ),
    "line of the highest id": (
        f"INSERT INTO {JOURNAL} (id, run_id, event, version, name) OVERRIDING SYSTEM VALUE"
        " VALUES (9223372036854775807, gen_random_uuid(), 'undone', 1, 'm1');"
    ),
    "events changed": f"UPDATE {JOURNAL} SET event = 'x';",
    "journal dropped": f"DROP TABLE {JOURNAL};",
    "journal renamed": f"ALTER TABLE {JOURNAL} RENAME TO was_journal;",
    "identity taken away": f"ALTER TABLE {JOURNAL} ALTER id DROP IDENTITY;",
    "comment taken away": f"COMMENT ON TABLE {SET} IS NULL;",
}
