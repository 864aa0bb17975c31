-- expect: rewrite at large, nothing at small
-- full text search
ALTER TABLE products ADD COLUMN search tsvector
    GENERATED ALWAYS AS (to_tsvector('english', title)) STORED;
CREATE INDEX products_search_idx ON products USING gin (search);
