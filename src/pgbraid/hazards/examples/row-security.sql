-- before
CREATE TABLE orders (id bigint PRIMARY KEY, tenant text);
-- bad
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
-- good
CREATE POLICY of_tenant ON orders USING (tenant = current_setting('app.tenant', true));
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
