-- expect: constraint-scan at large, nothing at small
ALTER TABLE reviews ADD CONSTRAINT stars_range CHECK (stars BETWEEN 1 AND 5);
