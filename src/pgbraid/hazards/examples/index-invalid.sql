-- before
CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- bad
CREATE INDEX events_day ON ONLY events (day);
-- good
-- pgbraid: no-transaction
CREATE INDEX ON ONLY events (day);
CREATE INDEX CONCURRENTLY events_2026_day ON events_2026 (day);
ALTER INDEX events_day_idx ATTACH PARTITION events_2026_day;
