-- expect: partition-scan at large, nothing at small
ALTER TABLE events ATTACH PARTITION events_2024
    FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
