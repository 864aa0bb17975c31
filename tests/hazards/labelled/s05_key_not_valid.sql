-- expect: nothing
-- step 1 of 2; the next file validates it
ALTER TABLE order_items ADD CONSTRAINT order_items_product_id_fkey
  FOREIGN KEY (product_id) REFERENCES products (id) NOT VALID;
