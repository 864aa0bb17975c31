-- expect: rewrite at large, nothing at small
-- Times are UTC, says the application.
ALTER TABLE orders ALTER placed_at TYPE timestamptz USING placed_at AT TIME ZONE 'Europe/Berlin';
