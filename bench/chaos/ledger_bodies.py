"""Bodies that write to the ledger themselves: ``{next}`` is the version behind their own.

Those of ``SET`` write to the set, and must be refused; those of ``JOURNAL`` write to the journal,
which is allowed, and must not lead to a wrong answer.
"""

from __future__ import annotations

__all__ = ["JOURNAL", "SET"]

_SET = "public.applied_migrations"
_JOURNAL = f"{_SET}_journal"
_ROW = f"INSERT INTO {_SET} (version, name) VALUES ({{next}}, 'm{{next}}')"
_F = (
    "CREATE OR REPLACE FUNCTION public.w() RETURNS {returns} LANGUAGE plpgsql {more} AS $w$ BEGIN "
    f"{_ROW} ON CONFLICT DO NOTHING; RETURN {{value}}; END $w$;"
)


def _function(returns: str = "int", value: str = "1", more: str = "") -> str:
    return _F.replace("{returns}", returns).replace("{value}", value).replace("{more}", more)


_TABLE = "CREATE TABLE IF NOT EXISTS public.own (v bigint PRIMARY KEY);"

SET: dict[str, str] = {
    "row": f"{_ROW};",
    "row, in a block": f"DO $$ BEGIN {_ROW}; END $$;",
    "row, by EXECUTE": f"DO $$ BEGIN EXECUTE $e$ {_ROW} $e$; END $$;",
    "row, in a subtransaction": (
        f"DO $$ BEGIN BEGIN {_ROW}; EXCEPTION WHEN unique_violation THEN NULL; END; END $$;"
    ),
    "row, below a savepoint": f"SAVEPOINT s; {_ROW}; RELEASE SAVEPOINT s;",
    "row, by a function": f"{_function()} SELECT public.w();",
    "row, by a function of its owner": f"{_function(more='SECURITY DEFINER')} SELECT public.w();",
    "row, uncounted": f"SET track_counts = off; {_ROW}; RESET track_counts;",
    "row, uncounted for the transaction": f"SET LOCAL track_counts = off; {_ROW};",
    "row, uncounted by set_config": f"SELECT set_config('track_counts', 'off', false); {_ROW};",
    "row, uncounted by the function": (
        f"{_function(more='SET track_counts = off')} SELECT public.w();"
    ),
    "row, without triggers": f"SET session_replication_role = replica; {_ROW};",
    "row, by another role": f"SET ROLE ledger_owner; RESET ROLE; {_ROW};",
    "row, by a query": f"WITH w AS ({_ROW} RETURNING 1) SELECT * FROM w;",
    "row, unless there": f"{_ROW} ON CONFLICT (version) DO UPDATE SET name = 'x';",
    "row, by COPY": f"COPY {_SET} (version, name) FROM stdin;\n{{next}}\tm{{next}}\n\\.\n",
    "row, by COPY from a program": (
        f"COPY {_SET} (version, name) FROM PROGRAM 'printf \"{{next}}\\tm{{next}}\\n\"';"
    ),
    "row, by MERGE": (
        f"MERGE INTO {_SET} USING (VALUES ({{next}})) AS n (v) ON version = v WHEN NOT MATCHED THEN"
        " INSERT (version, name) VALUES (v, 'm{next}');"
    ),
    "row, by a prepared statement": f"PREPARE p AS {_ROW}; EXECUTE p;",
    "row, through a view": (
        f"CREATE VIEW public.v AS SELECT * FROM {_SET};"
        " INSERT INTO public.v (version, name) VALUES ({next}, 'm{next}');"
    ),
    "row, by a trigger": (
        f"{_TABLE} {_function('trigger', 'NEW')} CREATE TRIGGER x AFTER INSERT ON public.own"
        " FOR EACH ROW EXECUTE FUNCTION public.w(); INSERT INTO public.own VALUES (1);"
    ),
    "row, by a deferred trigger": (
        f"{_TABLE} {_function('trigger', 'NEW')} CREATE CONSTRAINT TRIGGER x AFTER INSERT ON"
        " public.own DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.w();"
        " INSERT INTO public.own VALUES (1);"
    ),
    "row, by a rule": (
        f"{_TABLE} CREATE RULE x AS ON INSERT TO public.own DO ALSO {_ROW};"
        " INSERT INTO public.own VALUES (1);"
    ),
    "row, by an event trigger": (
        f"{_function('event_trigger', '').replace('RETURN ;', '')} CREATE EVENT TRIGGER x ON"
        " ddl_command_end EXECUTE FUNCTION public.w(); CREATE TABLE public.y ();"
        " DROP EVENT TRIGGER x;"
    ),
    "row, by a default": (
        f"{_function()} CREATE TABLE public.y (i int DEFAULT public.w(), j int);"
        " INSERT INTO public.y (j) VALUES (1);"
    ),
    "row, by a check": (
        f"{_function('boolean', 'true')} CREATE TABLE public.y (i int CHECK (public.w()));"
        " INSERT INTO public.y VALUES (1);"
    ),
    "row, by a materialized view": (
        f"{_function()} CREATE MATERIALIZED VIEW public.mv AS SELECT public.w();"
    ),
    "row, by a trigger on the journal": (
        f"{_function('trigger', 'NEW')} CREATE TRIGGER x AFTER INSERT ON {_JOURNAL}"
        " FOR EACH ROW EXECUTE FUNCTION public.w();"
    ),
    "row, by a deferred trigger on the journal": (
        f"{_function('trigger', 'NEW')} CREATE CONSTRAINT TRIGGER x AFTER INSERT ON {_JOURNAL}"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.w();"
    ),
    "row, by a rule on the journal": (
        f"CREATE RULE x AS ON INSERT TO {_JOURNAL} DO ALSO {_ROW} ON CONFLICT DO NOTHING;"
    ),
    "row, by a default of the journal": (
        f"{_function()} ALTER TABLE {_JOURNAL} ADD COLUMN more int;"
        f" ALTER TABLE {_JOURNAL} ALTER COLUMN more SET DEFAULT public.w();"
    ),
    "row, by a check of the journal": (
        f"{_function('boolean', 'true')}"
        f" ALTER TABLE {_JOURNAL} ADD CHECK (event <> 'applied' OR public.w()) NOT VALID;"
    ),
    "own row": f"INSERT INTO {_SET} (version, name) VALUES ({{own}}, 'm{{own}}');",
    "rows deleted": f"DELETE FROM {_SET};",
    "rows changed": f"UPDATE {_SET} SET version = version + 100;",
    "names changed": f"UPDATE {_SET} SET name = 'x';",
    "set truncated": f"TRUNCATE {_SET};",
    "rows deleted by a key": (
        f"CREATE TABLE public.own AS SELECT version FROM {_SET};"
        " ALTER TABLE public.own ADD PRIMARY KEY (version);"
        f" ALTER TABLE {_SET} ADD FOREIGN KEY (version) REFERENCES public.own ON DELETE CASCADE"
        " DEFERRABLE INITIALLY DEFERRED; DELETE FROM public.own;"
    ),
    "table that inherits": (
        f"CREATE TABLE public.heir () INHERITS ({_SET});"
        " INSERT INTO public.heir (version, name) VALUES ({next}, 'm{next}');"
    ),
    "table that is made an heir": (
        f"CREATE TABLE public.heir AS SELECT * FROM {_SET} WHERE false;"
        f" ALTER TABLE public.heir ALTER name SET NOT NULL, ALTER version SET NOT NULL,"
        " ALTER applied_at SET NOT NULL;"
        " INSERT INTO public.heir VALUES ({next}, 'm{next}', now());"
        f" ALTER TABLE public.heir INHERIT {_SET};"
    ),
    "another table in its place": (
        f"ALTER TABLE {_SET} RENAME TO was; CREATE TABLE {_SET} AS SELECT * FROM public.was;"
        f" {_ROW.replace('(version, name)', '(version, name, applied_at)')[:-1]}, now());"
    ),
    "column of another type": (
        f"ALTER TABLE {_SET} ALTER version TYPE int USING (version + 100)::int;"
    ),
}

JOURNAL: dict[str, str] = {
    "nothing": "SELECT 1;",
    "lines deleted": f"DELETE FROM {_JOURNAL};",
    "lines of success deleted": f"DELETE FROM {_JOURNAL} WHERE event IN ('applied', 'done');",
    "journal truncated": f"TRUNCATE {_JOURNAL};",
    "journal truncated, identity restarted": f"TRUNCATE {_JOURNAL} RESTART IDENTITY;",
    "sequence restarted": f"ALTER TABLE {_JOURNAL} ALTER id RESTART;",
    "sequence set back": f"SELECT setval(pg_get_serial_sequence('{_JOURNAL}', 'id'), 2);",
    "sequence set back, lines deleted": (
        f"DELETE FROM {_JOURNAL} WHERE id < (SELECT max(id) FROM {_JOURNAL});"
        f" SELECT setval(pg_get_serial_sequence('{_JOURNAL}', 'id'), 1);"
    ),
    "sequence counts down": f"ALTER TABLE {_JOURNAL} ALTER id SET INCREMENT BY -1;",
    "line of the next": (
        f"INSERT INTO {_JOURNAL} (run_id, event, version, name)"
        " VALUES (gen_random_uuid(), 'applied', {next}, 'm{next}');"
    ),
    "all undone": (
        f"INSERT INTO {_JOURNAL} (run_id, event, version, name)"
        f" SELECT gen_random_uuid(), 'undone', version, name FROM {_SET};"
    ),
    "the next begun": (
        f"INSERT INTO {_JOURNAL} (run_id, event, version, name, detail)"
        " VALUES (gen_random_uuid(), 'started', {next}, 'm{next}', '{\"statements\": 3}');"
    ),
    "line of the highest id": (
        f"INSERT INTO {_JOURNAL} (id, run_id, event, version, name) OVERRIDING SYSTEM VALUE"
        " VALUES (9223372036854775807, gen_random_uuid(), 'undone', 1, 'm1');"
    ),
    "events changed": f"UPDATE {_JOURNAL} SET event = 'x';",
    "ids changed": f"UPDATE {_JOURNAL} SET id = DEFAULT WHERE event = 'applied';",
    "journal dropped": f"DROP TABLE {_JOURNAL};",
    "journal renamed": f"ALTER TABLE {_JOURNAL} RENAME TO was_journal;",
    "identity taken away": f"ALTER TABLE {_JOURNAL} ALTER id DROP IDENTITY;",
    "trigger that swallows lines": (
        "CREATE FUNCTION public.s() RETURNS trigger LANGUAGE plpgsql AS $s$ BEGIN RETURN NULL; END"
        f" $s$; CREATE TRIGGER x BEFORE INSERT ON {_JOURNAL} FOR EACH ROW EXECUTE FUNCTION"
        " public.s();"
    ),
    "trigger that changes lines": (
        "CREATE FUNCTION public.s() RETURNS trigger LANGUAGE plpgsql AS $s$ BEGIN NEW.version :="
        f" NEW.version + 100; RETURN NEW; END $s$; CREATE TRIGGER x BEFORE INSERT ON {_JOURNAL}"
        " FOR EACH ROW EXECUTE FUNCTION public.s();"
    ),
    "trigger that ages lines": (
        "CREATE FUNCTION public.s() RETURNS trigger LANGUAGE plpgsql AS $s$ BEGIN NEW.id := 0 -"
        f" NEW.id; RETURN NEW; END $s$; CREATE TRIGGER x BEFORE INSERT ON {_JOURNAL} FOR EACH ROW"
        " EXECUTE FUNCTION public.s();"
    ),
    "comment taken away": f"COMMENT ON TABLE {_SET} IS NULL;",
}
