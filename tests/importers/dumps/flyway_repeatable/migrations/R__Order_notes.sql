CREATE OR REPLACE VIEW order_notes AS SELECT id, note FROM orders;
