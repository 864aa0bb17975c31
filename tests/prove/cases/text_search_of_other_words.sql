-- verdict: same
-- order: 1 3 2
-- 1: configuration
CREATE TEXT SEARCH CONFIGURATION ours (COPY = simple);
-- 2: word
ALTER TEXT SEARCH CONFIGURATION ours ALTER MAPPING FOR word WITH english_stem;
-- 3: asciiword
ALTER TEXT SEARCH CONFIGURATION ours ALTER MAPPING FOR asciiword WITH french_stem, simple;
