-- verdict: different
-- pair: 3 2
-- message: text search configuration public.ours
-- order: 1 3 2
-- 1: configuration
CREATE TEXT SEARCH CONFIGURATION ours (COPY = simple);
-- 2: english
ALTER TEXT SEARCH CONFIGURATION ours ALTER MAPPING FOR word WITH english_stem;
-- 3: french
ALTER TEXT SEARCH CONFIGURATION ours ALTER MAPPING FOR word WITH french_stem, simple;
