-- expect: index-build at large, nothing at small
CREATE INDEX events_kind_idx ON events (kind, created_at);
