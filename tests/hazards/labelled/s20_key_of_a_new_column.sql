-- expect: nothing
-- An empty column has nothing to check.
CREATE TABLE warehouses (id serial PRIMARY KEY, name text NOT NULL);
ALTER TABLE orders ADD COLUMN warehouse_id int REFERENCES warehouses (id);
