-- 6fab5ec27d86_merge.py has no SQL.
SELECT 1;
