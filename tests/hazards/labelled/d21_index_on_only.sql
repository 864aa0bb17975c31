-- expect: index-invalid
-- Label corrected, it was nothing: an index ON ONLY stays invalid until each partition's is attached.
-- pg_dump style
SET search_path = public, pg_catalog;
CREATE TABLE events_archive (
    id bigint NOT NULL,
    kind text NOT NULL,
    payload jsonb,
    created_at timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
CREATE TABLE events_archive_2020 PARTITION OF events_archive
    FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE INDEX events_archive_kind ON ONLY events_archive (kind);
