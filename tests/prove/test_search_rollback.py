"""Orders that a search tries in one transaction, which is rolled back."""

from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.loader import load_migrations

FILES = {
    "1_t.sql": "CREATE TABLE t (id serial PRIMARY KEY, n int);\n"
    'CREATE SEQUENCE "a.b %s" INCREMENT -5;',
    "2_row.sql": "INSERT INTO t (n) SELECT nextval('\"a.b %s\"')",
    "3_wrong.sql": "INSERT INTO t (n) VALUES (3); SELECT 1 / 0;",
}


def test_try_leaves_sequences_where_they_stood(scratch):
    first, second, third = load_migrations(FILES).migrations
    replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
    base, _ = replayer.base((first,))
    try:
        for order in ((second,), (second, third), (second,)):
            replayer.replay_in_transaction(base, order)
        replay = replayer.keep(base, (second,))
        assert replay.rows.sequences["value of sequence public.t_id_seq"] == ("1", "true")
        assert replay.rows.sequences['value of sequence public."a.b %s"'] == ("-1", "true")
        replayer.drop(replay.name)
    finally:
        replayer.release(base)
